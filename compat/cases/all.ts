/** All cases, by chapter. */
import type { Chapter } from "../case.ts";
import { ARCHIVES } from "./archives.ts";
import { DATABASES } from "./databases.ts";
import { HASHES } from "./hashes.ts";
import { MAPS } from "./maps.ts";
import { MEDIA } from "./media.ts";
import { MESSAGES } from "./messages.ts";
import { NUMBERS } from "./numbers.ts";
import { RUNTIMES } from "./runtimes.ts";
import { TEXT } from "./text.ts";

export const CHAPTERS: readonly Chapter[] = [
  { heading: "Messages and records", cases: MESSAGES },
  { heading: "Tables and arrays of numbers", cases: NUMBERS },
  { heading: "Text", cases: TEXT },
  { heading: "Databases", cases: DATABASES },
  { heading: "Archives and compression", cases: ARCHIVES },
  { heading: "Hashes", cases: HASHES },
  { heading: "Pictures, documents, sound, models", cases: MEDIA },
  { heading: "Maps", cases: MAPS },
  { heading: "What runtimes do themselves", cases: RUNTIMES },
];
