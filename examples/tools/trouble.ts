/** Errors that are not bugs in the tools. The user is told about them, without a stack. */

/** Something that the user has to know. */
export class Trouble extends Error {}

/** The command line is wrong. */
export class UsageError extends Trouble {}

/** The file is shorter than it was when it was mapped. */
export class CutShort extends Trouble {}

/** Stdout cannot be written: the disk is full, or (`EPIPE`) the reader is gone. */
export class OutputError extends Trouble {
  readonly code: string;

  constructor({ code = "", message }: { code?: string; message: string }) {
    super(`standard output: ${message}`);
    this.code = code;
  }
}
