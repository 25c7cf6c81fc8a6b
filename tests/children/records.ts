// Stores records until it is killed: `records.ts PATH`. Says when it begins. All bytes of a record are the same.
import process from "node:process";
import { Records } from "../../examples/support/records.ts";
import { COUNT, LENGTH } from "../support/records.ts";

const records = new Records(process.argv[2], { length: LENGTH, count: COUNT });
const bytes = new Uint8Array(LENGTH);
process.stdout.write("storing\n");
for (let round = 0;; round++) records.set(round % COUNT, bytes.fill(round));
