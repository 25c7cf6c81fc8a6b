// The same work over and over, for this many seconds on each runtime: `npm run soak -- 60`.
import { numberGiven, runOnAll } from "./runtimes.ts";

runOnAll("tests/fuzz/soak.ts", "--seconds", String(numberGiven(60)));
