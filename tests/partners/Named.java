// A partner of named_partners_test.ts in Java: Named.java create|open NAME. See named.py for what it does. Java has no
// memory with names, but on Linux that is a file.
import java.io.RandomAccessFile;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

public class Named {
  static final int COUNT = 1000;
  static final int SIZE = 64 + 8 * COUNT;
  static final VarHandle WORDS = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  static void waitFor(MappedByteBuffer buffer, int value) throws Exception {
    for (int milliseconds = 0; (int) WORDS.getVolatile(buffer, 0) != value; milliseconds++) {
      if (milliseconds > 30_000) throw new Exception("nobody came");
      Thread.sleep(1);
    }
  }

  public static void main(String[] arguments) throws Exception {
    boolean creates = arguments[0].equals("create");
    Path path = Path.of("/dev/shm", arguments[1]);
    MappedByteBuffer buffer;
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      if (creates) file.setLength(SIZE);
      buffer = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, file.length());
    }
    buffer.order(ByteOrder.LITTLE_ENDIAN);
    if (!creates) {
      waitFor(buffer, 1);
      for (int index = 0; index < COUNT; index++) {
        int at = 64 + 8 * index;
        buffer.putDouble(at, 2 * buffer.getDouble(at));
      }
      WORDS.setVolatile(buffer, 0, 2);
      return;
    }
    for (int index = 0; index < COUNT; index++) buffer.putDouble(64 + 8 * index, index);
    WORDS.setVolatile(buffer, 0, 1);
    waitFor(buffer, 2);
    for (int index = 0; index < COUNT; index++) {
      if (buffer.getDouble(64 + 8 * index) != 2.0 * index) throw new Exception("wrong numbers");
    }
    Files.delete(path);
  }
}
