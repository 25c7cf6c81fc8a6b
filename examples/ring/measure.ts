/** Measures channels in turn. Whatever else the machine does meanwhile affects all of them alike. */
import type { Channel } from "./channels.ts";

/** A channel to measure, and how much to send through it. */
export interface Contender {
  readonly name: string;
  readonly open: () => Channel;
  /** How many messages to stream in a round. */
  readonly messages: number;
  /** How many messages to send there and back in a round. */
  readonly pings: number;
}

/** What was measured for a channel: the medians of the rounds. */
export interface Figures {
  readonly name: string;
  readonly messagesPerSecond: number;
  /** How long a message takes one way: half the time that it takes there and back. */
  readonly microseconds: number;
}

/** Measures all contenders in so many rounds. */
export async function measure(contenders: readonly Contender[], rounds: number): Promise<Figures[]> {
  const opened = contenders.map((contender) => ({
    ...contender,
    channel: contender.open(),
    seconds: [],
    latencies: [],
  }));
  // A first round that does not count, so that the code is compiled.
  for (const one of opened) await oneRound(one);
  const results: Round[][] = opened.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of opened.entries()) results[index].push(await oneRound(one));
  }
  for (const { channel } of opened) await channel.close();
  return opened.map(({ name }, index) => ({
    name,
    messagesPerSecond: median(results[index].map(({ messagesPerSecond }) => messagesPerSecond)),
    microseconds: median(results[index].map(({ microseconds }) => microseconds)),
  }));
}

type Round = Omit<Figures, "name">;

async function oneRound({ channel, messages, pings }: Contender & { readonly channel: Channel }): Promise<Round> {
  const start = performance.now();
  await channel.stream(messages);
  const middle = performance.now();
  await channel.pingPong(pings);
  const end = performance.now();
  return { messagesPerSecond: messages / (middle - start) * 1000, microseconds: (end - middle) / pings / 2 * 1000 };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}
