#!/bin/sh
# OpenJDK 17: FileChannel.map with READ_ONLY or PRIVATE makes the file on the disk longer, if the range goes beyond
# its end and the channel may write. Neither mode can store into the file otherwise. One would expect an IOException,
# as for a channel that cannot write, or a mapping that ends where the file ends.
#
# Output: "READ_ONLY 5 -> 10000", "PRIVATE 5 -> 10000": the length of the file before and after.
#
# What this library does about it: a `size` beyond the end is a RangeError unless the file is mapped to be written.
set -eu
java=$(command -v java) || { echo "skipped: wants java"; exit 0; }
version=$("$java" -version 2>&1) && echo "$version" | grep -q 'version "17\.' || { echo "skipped: wants OpenJDK 17"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > Program.java <<'PROGRAM'
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import static java.nio.file.StandardOpenOption.*;

class Program {
    public static void main(String[] arguments) throws Exception {
        for (var mode : new MapMode[] { MapMode.READ_ONLY, MapMode.PRIVATE }) {
            var path = Files.writeString(Path.of("file"), "hello");
            var before = Files.size(path);
            try (var channel = FileChannel.open(path, READ, WRITE)) {
                channel.map(mode, 0, 10000);
            }
            System.out.println(mode + " " + before + " -> " + Files.size(path));
        }
    }
}
PROGRAM
output=$("$java" Program.java 2> errors) || {
  grep -q jdk.compiler errors && { echo "skipped: no compiler in java"; exit 0; }
  cat errors
  exit 1
}
echo "$output"
[ "$output" = "READ_ONLY 5 -> 10000
PRIVATE 5 -> 10000" ]
