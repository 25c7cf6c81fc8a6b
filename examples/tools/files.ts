/** Mapping the files that the tools work on. Other programs may cut them short meanwhile. */
import { type MappedRegion, mmap } from "../../mod.ts";
import { plural } from "./numbers.ts";
import { CutShort, Trouble } from "./trouble.ts";

/** Maps a file. A path that is not a file, for example a device, is the user's trouble and not a bug in the tool. */
export function mapFile(path: string): MappedRegion {
  try {
    return mmap(path);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new Trouble(`${path}: cannot be mapped as a file: ${error.message}`);
    }
    throw error;
  }
}

/** Maps a part of a file that is mapped. It goes by the descriptor: by now the path may lead to another file. */
export function mapPart(file: MappedRegion, offset: number, size: number): MappedRegion {
  try {
    return mmap(file.descriptor!, { offset, size });
  } catch (error) {
    if (error instanceof RangeError) throw new CutShort("the file was cut short");
    throw error;
  }
}

/**
 * Throws if a file is now shorter than when it was mapped, even if none of its pages was lost.
 *
 * @param lost Pages that other regions of the file have lost.
 */
export function requireWhole(path: string, file: MappedRegion, doing = "meanwhile", lost = 0): void {
  const pages = file.faults + lost;
  if (pages > 0) {
    throw new CutShort(`${path}: cut short ${doing}, ${plural(pages, "page")} could not be read any more`);
  }
  try {
    // An empty part after the last byte can be mapped only as long as everything before it is there.
    mapPart(file, file.byteLength, 0).unmap();
  } catch (error) {
    if (error instanceof CutShort) throw new CutShort(`${path}: cut short ${doing}`);
    throw error;
  }
}
