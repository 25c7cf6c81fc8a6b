/** What systems have for waiting on memory. */
import type { Prototype } from "../../ffi/contract.ts";

/** One system's calls; what they return is negative where nobody has ended the waiting. */
export interface WaitCalls {
  readonly name: string;
  readonly prototype: Prototype;
  /** What waiting for so long is called with. */
  values(address: bigint, expected: number, milliseconds: number): readonly unknown[];
  notify(address: bigint, count: number): number;
}
