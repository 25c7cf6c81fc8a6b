/** The files that the tools map, which others may cut short meanwhile. */
import { type MappedRegion, mmap } from "../../mod.ts";
import { plural } from "./numbers.ts";
import { CutShort, Trouble } from "./trouble.ts";

/** Maps a file. What is no file, a device for example, is trouble and no mistake of the tool. */
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

/** Maps a part of a file that is mapped: by its descriptor, since the path may be another file's by now. */
export function mapPart(file: MappedRegion, offset: number, size: number): MappedRegion {
  try {
    return mmap(file.descriptor!, { offset, size });
  } catch (error) {
    if (error instanceof RangeError) throw new CutShort("the file was cut short");
    throw error;
  }
}

/** Throws where a file is shorter than when it was mapped, also where no page of it was lost. `lost`: pages of others. */
export function requireWhole(path: string, file: MappedRegion, doing = "meanwhile", lost = 0): void {
  const pages = file.faults + lost;
  if (pages > 0) {
    throw new CutShort(`${path}: cut short ${doing}, ${plural(pages, "page")} could not be read any more`);
  }
  try {
    // The part behind the last byte, which has none, is there as long as all before it is.
    mapPart(file, file.byteLength, 0).unmap();
  } catch (error) {
    if (error instanceof CutShort) throw new CutShort(`${path}: cut short ${doing}`);
    throw error;
  }
}
