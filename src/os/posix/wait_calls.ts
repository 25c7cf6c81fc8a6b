/** What systems offer for waiting on memory. */
import type { Prototype } from "../../ffi/contract.ts";

/** The calls of one system. Waiting returns a negative result if nobody has ended it. */
export interface WaitCalls {
  readonly name: string;
  readonly prototype: Prototype;
  /** The arguments with which to wait for this long. */
  values(address: bigint, expected: number, milliseconds: number): readonly unknown[];
  notify(address: bigint, count: number): number;
}
