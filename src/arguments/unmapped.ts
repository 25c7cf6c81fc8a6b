/** The message of everything that needs the memory of a region after it is unmapped. */
export const UNMAPPED = "MappedRegion: the region is unmapped";
