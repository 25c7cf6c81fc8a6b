// What the guard costs, on each runtime: `npm run bench`.
import { runOnAll } from "./runtimes.ts";

runOnAll("bench/guard.ts");
