/**
 * Calls functions on other threads, for runtimes whose FFI cannot. The threads are workers: one for each call that is
 * going on, kept for later calls. Their source is text, so that there is no file that a bundler or a package could
 * lose.
 */
/** The part of node:worker_threads that is used here. */
export interface WorkerThreads {
  readonly isMainThread: boolean;
  readonly Worker: new (source: string, options: { eval: true; name: string }) => WorkerThread;
}

interface WorkerThread {
  on(event: "message", listener: (outcome: Outcome) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  postMessage(call: Call): void;
  ref(): void;
  unref(): void;
}

/** What a worker calls. The signature is as the runtime wants it. */
export interface Call {
  readonly libraries: readonly string[];
  readonly name: string;
  readonly signature: unknown;
  readonly values: readonly unknown[];
}

/** How the call ended. */
interface Outcome {
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Threads that call functions. `bind` is the source of a function of `library`, `name` and `signature`. */
export class Threads {
  readonly #workers: () => WorkerThreads;
  readonly #source: string;
  readonly #idle: WorkerThread[] = [];
  /** Settles each call that is going on. */
  readonly #settle: Map<WorkerThread, (outcome: Outcome) => void> = new Map();

  constructor(workers: () => WorkerThreads, bind: string) {
    this.#workers = workers;
    this.#source = `const bind = ${bind};
const { parentPort } = process.getBuiltinModule("node:worker_threads");
const functions = new Map();
function load({ libraries, name, signature }) {
  let failure;
  for (const library of libraries) {
    try {
      return bind(library, name, signature);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
parentPort.on("message", (call) => {
  try {
    if (!functions.has(call.name)) functions.set(call.name, load(call));
    parentPort.postMessage({ result: functions.get(call.name)(...call.values) });
  } catch (error) {
    parentPort.postMessage({ error });
  }
});`;
  }

  /** Calls a function. The event loop stays alive until it returns. */
  call(call: Call): Promise<unknown> {
    const worker = this.#idle.pop() ?? this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#settle.set(worker, ({ result, error }) => error === undefined ? resolve(result) : reject(error));
    worker.ref();
    worker.postMessage(call);
    return promise;
  }

  #start(): WorkerThread {
    const worker = new (this.#workers().Worker)(this.#source, { eval: true, name: "mmap" });
    worker.on("message", (outcome) => {
      this.#end(worker, outcome);
      worker.unref();
      this.#idle.push(worker);
    });
    worker.on("error", (error) => this.#end(worker, { error }));
    return worker;
  }

  #end(worker: WorkerThread, outcome: Outcome): void {
    this.#settle.get(worker)?.(outcome);
    this.#settle.delete(worker);
  }
}
