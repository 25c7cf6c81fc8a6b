/**
 * A MaxMind database (`mmdb-lib`): where in the world an address is.
 *
 * A look-up follows some 20 nodes of a tree, and reads one record at its end: a few pages of a file of 100 MB. The
 * reader wants a `Buffer`, and `Buffer.from(arrayBuffer)` makes one without a copy. Records are decoded into objects.
 * These are copies, and outlive the region, except values of the type "bytes". The reader itself is valid while the
 * region is mapped. A server and its workers can all map the file, and it is in memory once. To update the database,
 * put a new file in its place (`rename`). Whoever has the old one mapped keeps it.
 *
 *     node examples/with/mmdb.ts [DEPTH]
 */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { type CityResponse, Reader } from "mmdb-lib";
import { type MappedRegion, mmap } from "../../mod.ts";
import { writeMmdb } from "./input/mmdb.ts";
import { run } from "./support.ts";

/** Writes a database of networks, each in a city whose name is a number. */
export function writeCities(path: string, depth: number): void {
  writeMmdb(path, depth, (network) => ({
    city: { geoname_id: network, names: { en: `City ${network}`, de: `Stadt ${network}` } },
    country: { iso_code: "NO", names: { en: "Norway", de: "Norwegen" } },
  }));
}

/** A reader over a region. */
export function readerOf(region: MappedRegion): Reader<CityResponse> {
  return new Reader<CityResponse>(Buffer.from(region.buffer));
}

function cityOf(reader: Reader<CityResponse>, address: string): string {
  const { city, country } = reader.get(address)!;
  return `${address} is in ${city!.names.en}, ${country!.names.en}`;
}

if (import.meta.main) {
  await run({
    input: "cities.mmdb",
    size: 20,
    make: writeCities,
    ways: {
      "mapped"(path, show) {
        using region = mmap(path);
        show(cityOf(readerOf(region), "198.51.100.7"));
      },
      "reading the file first"(path, show) {
        show(cityOf(new Reader<CityResponse>(readFileSync(path)), "198.51.100.7"));
      },
    },
  });
}
