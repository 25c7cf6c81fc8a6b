// Random operations, checked against a model: this many steps on all runtimes together. `npm run fuzz -- 10000000`
import { numberGiven, runOnAll, RUNTIMES } from "./runtimes.ts";

runOnAll("tests/fuzz/fuzz.ts", "--steps", String(Math.ceil(numberGiven(1_000_000) / RUNTIMES)));
