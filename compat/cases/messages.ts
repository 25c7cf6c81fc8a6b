/** Messages and records. */
import { Buffer } from "node:buffer";
import type { Bytes, Case, Result } from "../case.ts";
import { bufferOver, noise, own } from "../bytes.ts";
import { KEEP } from "../advice.ts";

interface Message {
  readonly name: string;
  readonly tags: readonly string[];
  readonly data: Uint8Array;
}

function message(size: number, seed: number): Message {
  const tags = Array.from({ length: 20 }, (_, tag) => `the tag ${tag} of message ${seed}`);
  return { name: `message ${seed}`, tags, data: noise(size, seed) };
}

/** A schema for the packages that need one. */
const PROTOBUF = {
  nested: {
    Message: {
      fields: {
        name: { type: "string", id: 1 },
        tags: { rule: "repeated", type: "string", id: 2 },
        data: { type: "bytes", id: 3 },
      },
    },
  },
};
const AVRO = {
  type: "record",
  name: "Message",
  fields: [
    { name: "name", type: "string" },
    { name: "tags", type: { type: "array", items: "string" } },
    { name: "data", type: "bytes" },
  ],
};

async function protobuf(): Promise<import("protobufjs").Type> {
  const { default: { Root } } = await import("protobufjs");
  return Root.fromJSON(PROTOBUF).lookupType("Message");
}

async function avro(): Promise<import("avsc").Type> {
  const { default: { Type } } = await import("avsc");
  return Type.forSchema(AVRO as import("avsc").Schema);
}

export const MESSAGES: readonly Case[] = [
  {
    name: "msgpackr",
    call: "unpack(bytes)",
    input: async (size, seed) => own((await import("msgpackr")).pack(message(size, seed))),
    async use(bytes) {
      const found = (await import("msgpackr")).unpack(bytes);
      return () => found;
    },
    async position(whole, at, size) {
      const found = (await import("msgpackr")).unpack(whole, { start: at, end: at + size });
      return () => found;
    },
    advice: `Give it a view of the record, not a position. ${KEEP}`,
  },
  {
    name: "@msgpack/msgpack",
    call: "decode(bytes)",
    input: async (size, seed) => own((await import("@msgpack/msgpack")).encode(message(size, seed))),
    async use(bytes) {
      const found = (await import("@msgpack/msgpack")).decode(bytes);
      return () => found;
    },
    advice: KEEP,
  },
  {
    name: "cbor-x",
    call: "decode(bytes)",
    input: async (size, seed) => own((await import("cbor-x")).encode(message(size, seed))),
    async use(bytes) {
      const found = (await import("cbor-x")).decode(bytes);
      return () => found;
    },
    advice: KEEP,
  },
  {
    name: "avsc",
    call: "type.fromBuffer(buffer)",
    async input(size, seed) {
      const { data, ...rest } = message(size, seed);
      return own((await avro()).toBuffer({ ...rest, data: Buffer.from(data) }));
    },
    async use(bytes) {
      const found = (await avro()).fromBuffer(bufferOver(bytes));
      return () => ({ ...found });
    },
    async position(whole, at) {
      const { value } = (await avro()).decode(bufferOver(whole), at);
      return () => ({ ...value });
    },
    advice: "Give it a `Buffer` over the record, not a position.",
  },
  {
    name: "protobufjs",
    call: "Message.decode(bytes)",
    input: async (size, seed) => own((await protobuf()).encode(message(size, seed)).finish()),
    async use(bytes) {
      const { name, tags, data } = (await protobuf()).decode(bytes) as unknown as Message;
      return () => [name, tags, data];
    },
    async position(whole, at, size) {
      const reader = (await import("protobufjs")).default.Reader.create(whole);
      reader.pos = at;
      const { name, tags, data } = (await protobuf()).decode(reader, size) as unknown as Message;
      return () => [name, tags, data];
    },
    advice: KEEP,
  },
  {
    name: "@bufbuild/protobuf",
    call: "fromBinary(schema, bytes)",
    async input(size, seed) {
      const { create, toBinary } = await import("@bufbuild/protobuf");
      const { BytesValueSchema } = await import("@bufbuild/protobuf/wkt");
      return own(toBinary(BytesValueSchema, create(BytesValueSchema, { value: noise(size, seed) })));
    },
    async use(bytes) {
      const { fromBinary } = await import("@bufbuild/protobuf");
      const { BytesValueSchema } = await import("@bufbuild/protobuf/wkt");
      const { value } = fromBinary(BytesValueSchema, bytes);
      return () => value;
    },
    advice: KEEP,
  },
  {
    name: "bson",
    call: "deserialize(bytes, { promoteBuffers: true })",
    input: async (size, seed) => own((await import("bson")).serialize(message(Math.min(size, 15 << 20), seed))),
    short: true,
    async use(bytes) {
      const { deserialize } = await import("bson");
      const { name, tags, data } = deserialize(bytes, { promoteBuffers: true });
      return () => [name, tags, data];
    },
    async position(whole, index) {
      const { deserialize } = await import("bson");
      const options = { promoteBuffers: true, allowObjectSmallerThanBufferSize: true, index };
      const { name, tags, data } = deserialize(whole, options);
      return () => [name, tags, data];
    },
    advice: KEEP,
  },
  {
    name: "flatbuffers",
    call: "new ByteBuffer(bytes)",
    async input(size, seed) {
      const { Builder } = await import("flatbuffers");
      const builder = new Builder(size + 100);
      const vector = builder.createByteVector(noise(size, seed));
      builder.startObject(1);
      builder.addFieldOffset(0, vector, 0);
      builder.finish(builder.endObject());
      return own(builder.asUint8Array());
    },
    use: (bytes) => flatbuffer(bytes, 0),
    position: flatbuffer,
    advice: `${KEEP} Strings are copies already.`,
  },
];

/** Does what generated code does for a table with one vector of bytes. */
async function flatbuffer(bytes: Bytes, position: number): Promise<Result> {
  const { ByteBuffer } = await import("flatbuffers");
  const buffer = new ByteBuffer(bytes);
  buffer.setPosition(position);
  const table = buffer.readInt32(buffer.position()) + buffer.position();
  const field = table + buffer.__offset(table, 4);
  const data = new Uint8Array(
    buffer.bytes().buffer,
    buffer.bytes().byteOffset + buffer.__vector(field),
    buffer.__vector_len(field),
  );
  return () => data;
}
