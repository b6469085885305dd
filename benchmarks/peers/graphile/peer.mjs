// Graphile Worker: `node peer.mjs agent|worker [CONCURRENCY]`; copied beside its node_modules.
import { appendFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const RESULT = "BENCHMARK-RESULT:";
const RECORDS = 1000;
const now = () => (performance.timeOrigin + performance.now()) / 1000;
const { dbname, ...options } = JSON.parse(process.env.BENCHMARK_DATABASE);
const [mode, concurrency] = process.argv.slice(2);
const pgPool = new pg.Pool({ database: dbname, max: 10, ...options });

const payloads = (jobs) => Array.from({ length: jobs }, (_, number) => ({ number }));

class Commands {
    constructor(utils) {
        this.utils = utils;
    }
    async install() {
        await this.utils.migrate();
        await pgPool.query(`
            CREATE TABLE IF NOT EXISTS bench_record (id integer PRIMARY KEY, counter integer);
            INSERT INTO bench_record SELECT n, 0 FROM generate_series(0, 999) n ON CONFLICT DO NOTHING;`);
    }
    async enqueue({ kind, jobs }) {
        const begin = now();
        await this.utils.addJobs(payloads(jobs).map((payload) => ({ identifier: kind, payload })));
        return now() - begin;
    }
    async enqueue_each({ kind, jobs }) {
        const begin = now();
        for (const payload of payloads(jobs)) {
            await this.utils.addJob(kind, payload);
        }
        return now() - begin;
    }
    async enqueue_batches({ kind, jobs, size }) {
        let seconds = 0;
        for (let done = 0; done < jobs; done += size) {
            seconds += await this.enqueue({ kind, jobs: Math.min(size, jobs - done) });
        }
        return seconds;
    }
    async enqueue_paced({ jobs, rate, path }) {
        const begin = now();
        const committed = [];
        for (let number = 0; number < jobs; number++) {
            await sleep(Math.max(0, (begin + number / rate - now()) * 1000));
            await this.utils.addJob("stamp", { number, path });
            committed.push(now());
        }
        return committed;
    }
}

async function runAgent() {
    const commands = new Commands(await makeWorkerUtils({ pgPool }));
    const say = (message) => console.log("\n" + RESULT + JSON.stringify(message));
    say({ ready: true });
    for await (const line of createInterface({ input: process.stdin })) {
        const request = JSON.parse(line);
        try {
            say({ answer: (await commands[request.do](request)) ?? null });
        } catch (error) {
            say({ error: String(error) });
        }
    }
    process.exit(0);
}

const taskList = {
    noop: async () => {},
    write: async ({ number }) => {
        await pgPool.query("UPDATE bench_record SET counter = $1 WHERE id = $2", [number, number % RECORDS]);
    },
    sleep: async () => {
        await sleep(5);
    },
    stamp: async ({ number, path }) => {
        appendFileSync(path, `${number} ${now().toFixed(6)}\n`);
    },
};

if (mode === "agent") {
    await runAgent();
} else {
    const runner = await run({ pgPool, concurrency: Number(concurrency), taskList });
    await runner.promise;
}
