// A stranger's program of the old kind, which requires the package.
const { ANONYMOUS, mmap, platform } = require("@region/mmap");
const { wait } = require("@region/mmap/sync");
const process = require("node:process");

const region = mmap(ANONYMOUS, { size: 4096 });
region.int32[0] = 1;
if (platform.os === "windows" || wait(region, 0, 0) === "not-equal") process.stdout.write(`${platform.runtime}\n`);
region.unmap();
