/** What can go wrong that is no mistake of the tools: the user is told, without a stack. */

/** Something that the user has to be told. */
export class Trouble extends Error {}

/** The command line is wrong. */
export class UsageError extends Trouble {}

/** The file is shorter than it was when it was mapped. */
export class CutShort extends Trouble {}

/** What was to be written to stdout cannot be: the disk is full, or (`EPIPE`) the reader has gone. */
export class OutputError extends Trouble {
  readonly code: string;

  constructor({ code = "", message }: { code?: string; message: string }) {
    super(`standard output: ${message}`);
    this.code = code;
  }
}
