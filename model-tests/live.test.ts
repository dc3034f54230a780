/**
 * The live page in a real Chromium, before a real server: it shows what the machines do as the trace tells it, what peers wrote stays
 * text, the operator ends and removes, and a connection that is lost is said to be lost and comes back.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CpmClient } from "../runtime/client/client.ts";
import type { FileInvitation, Invitation } from "../runtime/client/invitation.ts";
import { ServerProcess } from "../runtime/client/server-process.ts";
import type { TraceLine } from "../runtime/trace.ts";
import { hasChromium, phone, startBrowser, type Browser, type Seen } from "./browser.ts";

const factory = "sip:conference-factory@cpm.example";
const directory = mkdtempSync(join(tmpdir(), "cpm-live-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// Each has a browser to wait for, on whatever machine.
vi.setConfig({ testTimeout: 40_000 });

let browser: Browser;
const chromium = hasChromium("the live page");
beforeAll(async () => {
  if (chromium) browser = await startBrowser();
});
afterAll(() => browser?.stop());

// ---------------------------------------------------------------- a server and its clients

interface Serving {
  readonly server: ServerProcess;
  /** Where the operator is served. */
  readonly origin: string;
}

async function serve(name: string, more: readonly string[] = ["--admin", "127.0.0.1:0"]): Promise<Serving> {
  const server = await ServerProcess.start(["--listen", "tcp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0", "--domain", "cpm.example", "--factory", factory, "--trust", "127.0.0.0/8", "--data", join(directory, name), ...more]);
  const line = await server.lines.next((one) => one.startsWith("listening admin "));
  return { server, origin: `http://127.0.0.1:${/:(\d+)$/.exec(line)![1]}` };
}

/** Files that are offered to somebody. */
const ringing: FileInvitation[] = [];

/** Everybody comes when called; who is offered a file lets it ring. */
async function clientOf({ server }: Serving, user: string, name?: string): Promise<CpmClient> {
  const onInvitation = (invitation: Invitation): void => {
    if (!("file" in invitation)) return void invitation.accept();
    invitation.ring();
    ringing.push(invitation);
  };
  const client = await CpmClient.start({ uri: `sip:${user}@cpm.example`, name, server: server.address("sip", "tcp"), onInvitation });
  await client.register();
  return client;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const idOf = ({ identity }: { readonly identity: string }): string => /^sip:([^@]+)@/.exec(identity)![1]!;

// ---------------------------------------------------------------- what the page shows

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();
const says = (page: Page, selector: string, words: string | RegExp): Promise<void> => page.locator(selector, { hasText: words }).first().waitFor({ timeout: 10_000 });

/** The ids of the states that are lit. */
const lit = (page: Page): Promise<string[]> => page.locator(".machine .window [data-state]:is(.active, .around)").evaluateAll((all) => [...new Set(all.map((one) => one.getAttribute("data-state")!))].toSorted());

/** As the page writes them. */
function statesIn(machine: string, value: unknown): string[] {
  if (typeof value === "string") return [`${machine}.${value}`];
  return Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([key, inner]) => [`${machine}.${key}`, ...statesIn(`${machine}.${key}`, inner)]);
}

/** What is wrong for people who do not see, or use no mouse. A chart has hundreds of parts: it is looked at where it is asked for. */
async function faults({ page }: Seen, withChart = false): Promise<string[]> {
  await page.evaluate(readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8"));
  const { violations } = await page.evaluate<Found>(`axe.run(${withChart ? "document" : '{ exclude: ".window svg" }'}, { resultTypes: ["violations"] })`);
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join("; ").slice(0, 600)}`);
}

interface Found {
  readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[] }[];
}

/** It asked for nothing elsewhere, and its console complained of nothing but what is expected. */
function isQuiet({ requests, errors }: Seen, origin: string, expected = /^$/): void {
  expect(requests.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
  expect(errors.filter((error) => !expected.test(error))).toEqual([]);
}

describe.skipIf(!chromium)("the live page", () => {
  test("follows the demo: its group appears, the states that are lit are the trace's, the file comes and goes, the end is told", async () => {
    const trace = join(directory, "demo.ndjson");
    const demo = spawn(process.execPath, [fileURLToPath(new URL("../runtime/client/demo.ts", import.meta.url)), "--admin", "127.0.0.1:0", "--pace", "600", "--keep-trace", trace], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(demo, "exit");
    const lines = createInterface(demo.stdout);
    const address = new Promise<string>((resolve) => lines.on("line", (line) => void (/live page is (\S+)/.test(line) && resolve(/(http:\S+)$/.exec(line)![1]!))));
    const seen = await browser.open();
    const { page } = seen;
    const url = await address;
    await page.goto(url);
    await page.locator(".rows a", { hasText: "Hiking" }).click();
    await page.locator(".machine .window [data-state].active").first().waitFor();
    // Everything that is ever lit, one entry a change, as the page itself sees it.
    await page.evaluate(`{
      globalThis.shown = [];
      globalThis.recipients = new Set();
      const look = () => {
        const now = [...document.querySelectorAll(".machine .window [data-state]:is(.active, .around)")].map((one) => one.getAttribute("data-state"));
        const words = [...new Set(now)].toSorted().join(" ");
        if (words !== "" && words !== shown.at(-1)) shown.push(words);
        for (const one of document.querySelectorAll(".recipients li")) recipients.add(one.textContent);
      };
      look();
      new MutationObserver(look).observe(document.querySelector("#chosen"), { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["class"] });
    }`);
    await says(page, ".files .name", "photo.jpg");
    await says(page, ".machines .name", "File transfer: photo.jpg");
    await says(page, ".files .says", /over: partial$/);
    await says(page, ".group header .chip", "ended");
    expect((await ended)[0]).toBe(0);

    const told = readFileSync(trace, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as TraceLine).filter(({ machine }) => machine === "group-session");
    const stood = told.map(({ machine, state }) => [...new Set(statesIn(machine, state))].toSorted().join(" "));
    const shown = await page.evaluate<string[]>("shown");
    // In the trace's order, what was too quick for a picture left out; where it ended is shown.
    let at = 0;
    for (const one of shown) {
      at = stood.indexOf(one, at);
      expect(at, `${one} is in the trace`).toBeGreaterThanOrEqual(0);
    }
    expect(shown.at(-1)).toBe(stood.at(-1));
    expect(shown.length).toBeGreaterThanOrEqual(2);
    expect(await page.evaluate<string[]>("[...recipients]")).toEqual(expect.arrayContaining(["bob@cpm.example: ringing", "bob@cpm.example: done", "carol@cpm.example: ringing", "carol@cpm.example: declined"]));
    isQuiet(seen, new URL(url).origin, /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/);
    await seen.close();
  });

  describe("before a server of its own", () => {
    const markup = `<img src=x onerror="document.title='caught'">&amp;<script>document.title='caught'</script>`;
    let serving: Serving;
    let alice: CpmClient;
    let bob: CpmClient;
    let carol: CpmClient;
    beforeAll(async () => {
      if (!chromium) return;
      serving = await serve("own");
      [alice, bob, carol] = [await clientOf(serving, "alice", `<b>Alice</b>${markup}`), await clientOf(serving, "bob"), await clientOf(serving, "carol")];
    });
    afterAll(async () => {
      if (!chromium) return;
      await serving.server.stop();
      await Promise.all([alice, bob, carol].map((client) => client.close()));
    });

    test("what peers wrote is text: subject, display name, file name; a timer runs down; a transition lights up; the ladder grows", async () => {
      const seen = await browser.open();
      const { page } = seen;
      await page.goto(`${serving.origin}/`);
      expect(page.url()).toMatch(/\/live$/);
      const chat = await alice.createGroup(factory, { subject: markup, recipients: [bob.uri, carol.uri] });
      await says(page, ".rows .title", markup);
      await page.locator(".rows a").first().click();
      await says(page, ".group h2", markup);
      await says(page, ".group td .name", `<b>Alice</b>${markup}`);
      await says(page, ".facts", "3 connected");
      const session = ["group-session.open", "group-session.open.activity", "group-session.open.activity.quiet", "group-session.open.membership", "group-session.open.membership.active", "group-session.open.recall", "group-session.open.recall.ready"];
      await expect.poll(() => lit(page), { timeout: 4_000 }).toEqual(session);

      // What a message takes lights up, and so much is left of the silence.
      const transition = page.locator(".machine .window [data-rules].taken").first().waitFor();
      const rows = (): Promise<number> => page.locator("svg.ladder g.message").count();
      const before = await rows();
      await chat.send("hello");
      await transition;
      await says(page, "svg.ladder", "SEND");
      expect(await rows()).toBeGreaterThan(before);
      const left = async (): Promise<number> => {
        const [, minutes = "", seconds = ""] = /inactivityMs (\d+):(\d\d)/.exec(await text(page, ".timers")) ?? [];
        return Number(minutes) * 60 + Number(seconds);
      };
      const first = await left();
      expect(first).toBeGreaterThan(595);
      await expect.poll(left, { timeout: 4_000 }).toBeLessThan(first);

      const sent = await alice.sendFile(chat, { name: `${markup}.jpg`, type: "image/jpeg", content: Buffer.alloc(2_000_000) });
      await says(page, ".files .name", `${markup}.jpg`);
      await says(page, ".machines .name", `File transfer: ${markup}.jpg`);
      await page.locator(".machines button", { hasText: "File transfer:" }).click();
      await says(page, ".machine h3", `File transfer: ${markup}.jpg`);
      const executing = page.locator('.machine .window [data-state="group-file-transfer.executing"].active').first();
      await executing.waitFor();
      await executing.focus();
      await page.keyboard.press("Enter");
      await says(page, ".picked-words", "state executing");
      await page.locator(".tabs a", { hasText: "File transfers" }).click();
      await says(page, ".rows .title", `${markup}.jpg`);
      expect(page.url()).toMatch(/#\/transfers$/);
      await page.locator(".rows a").click();
      await says(page, ".machine h3", `File transfer: ${markup}.jpg`);
      // Both decline: it is over, here and on the other device.
      expect(ringing).toHaveLength(2);
      for (const offer of ringing) offer.decline(603);
      await sent.outcome.within();
      await says(page, ".count", "None.");

      expect(await faults(seen, true)).toEqual([]);
      expect([await page.title(), await page.locator("#chosen img, #chosen script, #lists img, #lists script, #chosen b b").count()]).toEqual(["CPM Controlling Function: live", 0]);
      isQuiet(seen, serving.origin);
      await chat.leave();
      await seen.close();
    });

    test("one participant is removed and the group is ended, after a question that can be declined, with the keyboard alone", async () => {
      const seen = await browser.open({ colorScheme: "dark" });
      const { page } = seen;
      const chat = await alice.createGroup(factory, { subject: "Keys", recipients: [bob.uri, carol.uri] });
      await page.goto(`${serving.origin}/live`);
      await says(page, ".rows .says", "3 connected");
      await page.getByRole("searchbox").focus();
      await page.keyboard.type("keys");
      await says(page, ".count", "1 to 1 that match, of");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await says(page, ".group h2", "Keys");
      expect(await page.evaluate("document.activeElement.textContent")).toBe("Keys");
      await says(page, ".facts", "3 connected");

      await page.getByRole("button", { name: `Remove ${bob.uri}` }).focus();
      await page.keyboard.press("Enter");
      await says(page, "dialog h2", `Remove ${bob.uri}?`);
      expect(await faults(seen)).toEqual([]);
      // Who only presses Enter has declined.
      await page.keyboard.press("Enter");
      await page.locator("dialog").waitFor({ state: "detached" });
      expect(await text(page, ".facts")).toContain("3 connected");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await says(page, ".facts", "2 connected, 1 removed");
      await says(page, "svg.ladder", "remove target=1");

      await page.getByRole("button", { name: "End the group" }).focus();
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await says(page, ".group header .chip", "ended");
      expect((await chat.leg.ended.within()).by).toBe("peer");
      await says(page, ".count", "None of");
      expect(await lit(page)).toEqual(["group-session.closed"]);
      isQuiet(seen, serving.origin);
      await seen.close();
    });

    test("a telephone shows the list, then the group, and nothing is wider than it", async () => {
      const seen = await browser.open({ viewport: phone, hasTouch: true });
      const { page } = seen;
      const chat = await alice.createGroup(factory, { subject: "A subject that is much longer than any telephone is wide, and has no end that one can see", recipients: [bob.uri] });
      const fits = (): Promise<boolean> => page.evaluate("document.documentElement.scrollWidth <= innerWidth");
      await page.goto(`${serving.origin}/live`);
      await page.locator(".rows a").first().tap();
      await says(page, ".group h2", "A subject");
      await says(page, ".facts", "2 connected");
      await chat.send("hello");
      await says(page, "svg.ladder", "SEND");
      expect(await fits()).toBe(true);
      expect(await faults(seen)).toEqual([]);
      await page.locator(".back").tap();
      await says(page, ".rows .title", "A subject");
      expect([await fits(), await page.locator(".group").count()]).toEqual([true, 0]);
      await chat.leave();
      isQuiet(seen, serving.origin);
      await seen.close();
    });

    test("what the server had to drop is said, and a stream that breaks is taken up again", async () => {
      const seen = await browser.open();
      const { page } = seen;
      const chat = await alice.createGroup(factory, { subject: "Busy", recipients: [bob.uri] });
      const { body } = await fetch(`${serving.origin}/api/inspect?group=${idOf(chat)}`);
      const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
      const { value: snapshot } = await reader.read();
      await reader.cancel();
      // Once the stream is as of a server whose reader was too slow, and then breaks off; from then on it is the server's own.
      await page.route("**/api/inspect?*", (route) => route.fulfill({ contentType: "text/event-stream", body: `${snapshot}event: dropped\ndata: {"seen":1234}\n\n${snapshot}` }), { times: 1 });
      await page.goto(`${serving.origin}/live#/groups/${idOf(chat)}`);
      await says(page, "svg.ladder", /1234\s*steps\s*and\s*timers\s*were\s*dropped/);
      await says(page, "svg.ladder", /The\s*connection\s*was\s*lost/);
      await chat.send("hello");
      await says(page, "svg.ladder", "SEND");
      expect(await page.locator("#banner").isHidden()).toBe(true);
      await chat.leave();
      await seen.close();
    });
  });

  test("a connection that is lost is said to be lost; when the server is back the page goes on, and says what is gone", async () => {
    const port = await freePort();
    const more = ["--admin", `127.0.0.1:${port}`];
    const first = await serve("lost", more);
    const alice = await clientOf(first, "alice");
    const chat = await alice.createGroup(factory, { subject: "Before", recipients: ["sip:nobody@cpm.example"] });
    const seen = await browser.open();
    const { page } = seen;
    await page.goto(`${first.origin}/live#/groups/${idOf(chat)}`);
    await says(page, ".group h2", "Before");
    await first.server.stop(0);
    await says(page, "#banner", "No connection to the server since");
    expect(await page.getByRole("alert").innerText()).toMatch(/Next try in \d+ s/);
    expect(await faults(seen)).toEqual([]);
    const second = await serve("lost", more);
    await page.getByRole("button", { name: "Try now" }).click();
    await page.locator("#banner").waitFor({ state: "hidden" });
    await says(page, ".count", "None.");
    await says(page, "svg.ladder", /The\s*group\s*is\s*not\s*here/);
    await says(page, ".group header .chip", "ended");
    isQuiet(seen, first.origin, /ERR_|404/);
    await alice.close();
    await second.server.stop();
    await seen.close();
  });

  test("where a token is wanted, the page asks for it, keeps it for this tab, and shows it in no address", async () => {
    const token = "Zm9yIHRoZSBvcGVyYXRvcg==";
    const file = join(directory, "token");
    writeFileSync(file, token);
    const serving = await serve("guarded", ["--admin", "0.0.0.0:0", "--admin-token", file]);
    const alice = await clientOf(serving, "alice");
    await alice.createGroup(factory, { subject: "Guarded", recipients: ["sip:nobody@cpm.example"] });
    const seen = await browser.open();
    const { page } = seen;
    await page.goto(`${serving.origin}/live`);
    await says(page, "dialog h2", "This server wants the admin token");
    expect([await faults(seen), await page.locator(".rows a").count()]).toEqual([[], 0]);
    await page.keyboard.type("some-other-token-of-somebody");
    await page.keyboard.press("Enter");
    await says(page, "dialog", "That was not the token");
    await page.keyboard.type(token);
    await page.keyboard.press("Enter");
    await page.locator(".rows a", { hasText: "Guarded" }).click();
    await says(page, ".group h2", "Guarded");
    await page.locator(".machine .window [data-state].active").first().waitFor();
    // Another page of this tab need not ask.
    await page.reload();
    await says(page, ".group h2", "Guarded");
    expect(await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")).toEqual([0, 1, ""]);
    expect(seen.requests.filter((url) => decodeURIComponent(url).includes(token.slice(0, 12)))).toEqual([]);
    isQuiet(seen, serving.origin, /401/);
    await serving.server.stop();
    await alice.close();
    await seen.close();
  });
});
