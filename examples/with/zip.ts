/**
 * A zip archive (`fflate`): unpacks one of its files.
 *
 * `unzipSync` finds the list of files at the end of the archive, looks at the header in front of each file, and unpacks
 * those that `filter` picks. If the archive is mapped, nothing else of it is read. What `unzipSync` returns is always a
 * copy, even of a file that is stored uncompressed, so it outlives the region.
 *
 *     node examples/with/zip.ts [FILES]
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { strToU8, unzipSync, Zip, ZipDeflate, ZipPassThrough } from "fflate";
import { mmap } from "../../mod.ts";
import { run } from "./support.ts";

const PICTURE = new Uint8Array(1 << 20);

/** Writes an archive of texts and pictures. Texts are compressed, and pictures are not. A picture has a mebibyte. */
export function writeArchive(path: string, files: number): void {
  const file = openSync(path, "w");
  const archive = new Zip((error, chunk) => {
    if (error) throw error;
    writeSync(file, chunk);
  });
  for (let number = 0; number < files; number++) {
    const picture = new ZipPassThrough(`${number}.png`);
    archive.add(picture);
    picture.push(PICTURE, true);
    const text = new ZipDeflate(`${number}.txt`);
    archive.add(text);
    text.push(strToU8(`What picture ${number} shows.\n`.repeat(100)), true);
  }
  archive.end();
  closeSync(file);
}

/** A copy of one file in an archive. */
export function unzipOne(archive: Uint8Array, name: string): Uint8Array | undefined {
  return unzipSync(archive, { filter: (file) => file.name === name })[name];
}

function firstLine(archive: Uint8Array): string {
  const text = new TextDecoder().decode(unzipOne(archive, "7.txt"));
  return `7.txt: ${text.slice(0, text.indexOf("\n"))}`;
}

if (import.meta.main) {
  await run({
    input: "pictures.zip",
    size: 250,
    make: writeArchive,
    ways: {
      "mapped"(path, show) {
        using region = mmap(path);
        show(firstLine(region.bytes));
      },
      "reading the file first"(path, show) {
        show(firstLine(readFileSync(path)));
      },
    },
  });
}
