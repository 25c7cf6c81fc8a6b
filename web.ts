/**
 * Serves mapped files as web streams and responses, with range requests.
 *
 * ```ts ignore
 * import { mmap } from "@region/mmap";
 * import { respond } from "@region/mmap/web";
 *
 * const region = mmap("film.mp4");
 * Deno.serve((request) => respond(region, request, { "content-type": "video/mp4" }));
 * ```
 *
 * @module
 */
export { respond, type RespondOptions, stream } from "./src/extras/web.ts";
