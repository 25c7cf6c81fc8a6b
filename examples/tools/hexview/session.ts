/** Paging through a file in a terminal. */
import { Buffer } from "node:buffer";
import process from "node:process";
import type { MappedRegion } from "../../../mod.ts";
import { percent } from "../numbers.ts";
import { Screen, terminalSize } from "../screen.ts";
import { CutShort } from "../trouble.ts";
import { frame, type Style } from "./frame.ts";
import { keysIn } from "./keys.ts";
import { perRowFor } from "./layout.ts";
import { searchBackward, searchForward, type Searching } from "./source.ts";
import { type Action, marked, press, resized, type Search, type State } from "./state.ts";

/** The file to view, and how. */
export interface Viewed {
  readonly region: MappedRegion;
  readonly name: string;
  /** Bytes in a row, if the user has asked for a number. */
  readonly perRow: number | undefined;
  readonly style: Style;
}

/** Pages through a file until the user quits. */
export async function page(viewed: Viewed, initial: State): Promise<void> {
  const session = new Session(viewed, initial);
  await session.ended;
}

class Session {
  readonly ended: Promise<void>;
  readonly #viewed: Viewed;
  readonly #screen: Screen = new Screen(true);
  #state: State;
  #searching: Searching | undefined;
  #end: () => void = () => {};

  constructor(viewed: Viewed, initial: State) {
    this.#viewed = viewed;
    this.#state = initial;
    this.ended = new Promise((resolve) => this.#end = resolve);
    process.stdin.on("data", (data: Uint8Array | string) => this.#receive(Buffer.from(data).toString("utf8")));
    process.stdout.on("resize", () => this.#resize());
    process.on("SIGCONT", () => this.#resume());
    this.#resize();
  }

  #receive(input: string): void {
    for (const key of keysIn(input)) {
      // While a search runs, any key stops it.
      if (this.#searching) this.#stopSearching("the search was stopped");
      else this.#apply(press(this.#state, key));
    }
    this.#draw();
  }

  #apply({ state, action }: { state: State; action?: Action }): void {
    this.#state = state;
    if (action === "quit") this.#quit();
    else if (action === "suspend") this.#suspend();
    else if (action) this.#search(action);
  }

  #resize(): void {
    const { columns, rows } = terminalSize();
    const { perRow, style } = this.#viewed;
    this.#state = resized(this.#state, perRow ?? perRowFor(columns, style.digits), rows - 1);
    this.#draw();
  }

  #draw(): void {
    const { region, name, style } = this.#viewed;
    this.#screen.draw(frame(region, name, this.#state, terminalSize(), style));
  }

  // ---------------------------------------------------------------- quitting and pausing

  #quit(): void {
    this.#screen.close();
    process.stdin.pause();
    this.#end();
  }

  #suspend(): void {
    this.#screen.close();
    process.kill(process.pid, "SIGSTOP");
  }

  #resume(): void {
    this.#screen.open();
    this.#resize();
  }

  // ---------------------------------------------------------------- searching

  #search({ forward, from }: Search): void {
    const needle = this.#state.needle!;
    const search = forward ? searchForward : searchBackward;
    this.#searching = search(this.#viewed.region, needle, from);
    this.#searchOn(this.#searching, needle.length, forward ? this.#viewed.region.byteLength - from : from);
  }

  /** Takes one step of the search. The next one follows after keys have been handled. */
  #searchOn(searching: Searching, length: number, whole: number): void {
    if (this.#searching !== searching) return;
    const { done, value } = this.#step(searching);
    if (!done) {
      this.#state = { ...this.#state, message: `searching, ${percent(value, whole)}; any key stops` };
      this.#draw();
      // Not setImmediate: after it, Deno does not look at keys for a while.
      setTimeout(() => this.#searchOn(searching, length, whole), 0);
      return;
    }
    this.#stopSearching(value < 0 ? "not found" : undefined);
    if (value >= 0) this.#state = marked(this.#state, { start: value, end: value + length });
    this.#draw();
  }

  /** One step of the search. If the file was cut short, there is nothing more to find. */
  #step(searching: Searching): IteratorResult<number, number> {
    try {
      return searching.next();
    } catch (error) {
      if (error instanceof CutShort) return { done: true, value: -1 };
      throw error;
    }
  }

  #stopSearching(message: string | undefined): void {
    this.#searching?.return(-1);
    this.#searching = undefined;
    this.#state = { ...this.#state, message };
  }
}
