import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { FullConfig } from "@playwright/test";
import type { World } from "./world";

const root = resolve(import.meta.dirname, "../..");

interface Up {
  pages: Record<string, string>;
  ask: string;
  token: string;
  keychain: boolean;
}

/**
 * The fleets' program is built and started once for each worker, whose tests change what they find; when this process
 * goes, their standard input ends and they stop everything.
 */
export default async function setup(config: FullConfig): Promise<() => Promise<void>> {
  if (process.env.SHARD_ADMIN_WORLD) return async () => undefined; // somebody keeps one up to write tests against
  const program = process.env.SHARD_ADMIN_PAGEFLEET || build();
  const binary = process.env.SHARD_ADMIN_BINARY || resolve(root, "build/bin/shard-admin-headless");
  if (!existsSync(binary)) throw new Error(`${binary} is not there: run \`make build-headless\` first`);
  const started = await Promise.all(Array.from({ length: config.workers }, () => start(program, binary)));
  process.env.SHARD_ADMIN_WORLD = JSON.stringify(started.map((s) => s.world));
  return async () => {
    await Promise.all(started.map((s) => s.end()));
  };
}

async function start(program: string, binary: string): Promise<{ world: World; end: () => Promise<void> }> {
  const child = spawn(program, ["-binary", binary], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const up = await first(child);
  const world: World = { ask: up.ask, token: up.token, keychain: up.keychain, pages: {} };
  for (const [fleet, address] of Object.entries(up.pages)) world.pages[fleet] = await enter(address);
  return {
    world,
    end: async () => {
      const ended = new Promise((done) => child.once("exit", done));
      child.stdin.end();
      await ended;
    },
  };
}

function build(): string {
  const to = resolve(root, "build/cache/pagefleet");
  const made = spawnSync("go", ["build", "-trimpath", "-tags", "headless", "-o", to, "./internal/pgtest/pagefleet"], {
    cwd: root,
    env: { ...process.env, CGO_ENABLED: "0" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (made.status !== 0) throw new Error("the fleets' program could not be built");
  return to;
}

function first(child: ChildProcess): Promise<Up> {
  return new Promise((done, failed) => {
    const limit = setTimeout(() => {
      child.kill();
      failed(new Error("the fleets did not come up in three minutes"));
    }, 180_000);
    child.once("exit", (code) => failed(new Error(`the fleets' program ended with ${code}; it says why above`)));
    if (!child.stdout) throw new Error("the fleets' program has no output");
    createInterface(child.stdout).once("line", (line) => {
      clearTimeout(limit);
      child.removeAllListeners("exit");
      done(JSON.parse(line) as Up);
    });
  });
}

/** An address works once; the cookie that it gives serves every test. */
async function enter(address: string): Promise<World["pages"][string]> {
  const answer = await fetch(address, { redirect: "manual" });
  const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
  const [name, value] = cookie?.split("=") ?? [];
  if (!name || !value) throw new Error(`${address} gave no cookie: ${answer.status} ${await answer.text()}`);
  return { origin: new URL(address).origin, name, value };
}
