/**
 * The site of the review, as it is built and opened from a file in a real browser: what it asks for, what it shows, what it answers,
 * whether everybody can use it. And the same on paper.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getDocumentProxy } from "unpdf";
import { machines, type MachineName } from "../machines/index.ts";
import { nodes, transitions } from "../machines/inspect.ts";
import { policies } from "../machines/policies.ts";
import { start, step } from "../machines/step.ts";
import { worlds } from "../machines/worlds.ts";
import { hasChromium, laptop, phone, startBrowser, type Browser, type Seen } from "./browser.ts";
import { expiries, keyOf } from "./explore.ts";
import { invariants } from "./invariants.ts";

const names = Object.keys(machines) as MachineName[];
const root = fileURLToPath(new URL("..", import.meta.url));

if (!hasChromium("site")) {
  test("Chromium is there", (context) => {
    if (process.env["CPM_TEST_ALL"] === "1") throw new Error("chromium is missing");
    context.skip();
  });
} else {
  describe("the site", () => {
    const directory = mkdtempSync(join(tmpdir(), "cpm-site-"));
    const pdf = join(directory, "review.pdf");
    let browser: Browser;
    let printed: Promise<void>;
    let index: string;

    beforeAll(async () => {
      [browser] = await Promise.all([startBrowser(), run("--open", directory)]);
      index = pathToFileURL(join(directory, "index.html")).href;
      printed = run("--pdf", pdf);
      // Whoever waits for it hears of it.
      printed.catch(() => {});
    }, 60_000);
    afterAll(async () => {
      await printed.catch(() => {});
      await browser?.stop();
      rmSync(directory, { recursive: true, force: true });
    }, 60_000);

    /** A page at an address within the site. */
    const at = async (hash: string, options?: Parameters<Browser["open"]>[0]): Promise<Seen> => {
      const seen = await browser.open(options);
      await seen.page.goto(`${index}${hash}`);
      return seen;
    };
    const go = async (page: Page, hash: string) => {
      await page.goto(`${index}${hash}`);
      await page.waitForFunction("document.querySelector('main h1') !== null");
    };
    const main = (page: Page) => page.locator("main");

    // ---------------------------------------------------------------- every page

    const pages: readonly string[] = [
      "#/",
      "#/overview",
      "#/changes",
      "#/ladders",
      "#/requirements",
      "#/requirements?only=untested",
      "#/purposes",
      "#/ambiguities",
      "#/clauses",
      "#/clauses/CPM-CR%20%C2%A79.3.1",
      "#/search?q=122",
      "#/policy/closed/true",
      "#/event/large-message/recipient.accepted?wrappedTypes=notIndicated",
      "#/machine/group-file-transfer",
      "#/machine/group-file-transfer/rules/1",
      "#/machine/group-session/state/group-session.open.membership.active",
      "#/machine/large-message/run/0/0.3",
      "#/machine/group-file-transfer/tour/0/00?at=1",
      "#/matrix/group-session",
      "#/flow/flows%2Ftransfer-not-supported.md%20wire%201",
      "#/no-such-page",
    ];

    test.each([
      { manner: "a laptop, light", options: { viewport: laptop, colorScheme: "light" } },
      { manner: "a phone, dark", options: { viewport: phone, colorScheme: "dark" } },
    ] as const)("every page on $manner: nothing is asked for but its files, nothing is complained about, nobody is shut out, nothing sticks out", { timeout: 90_000 }, async ({ options }) => {
      const { page, requests, errors, close } = await at("#/", options);
      const faults: string[] = [];
      for (const hash of pages) {
        await go(page, hash);
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        if (width > options.viewport.width) faults.push(`${hash}: ${width} px wide`);
        for (const fault of await inaccessible(page)) faults.push(`${hash}: ${fault}`);
      }
      expect(faults).toEqual([]);
      expect(errors).toEqual([]);
      expect(requests.filter((request) => !request.startsWith("file:") && !request.startsWith("data:"))).toEqual([]);
      await close();
    });

    test("a theme that was chosen stays, and the charts follow it", async () => {
      const { page, close } = await at("#/machine/group-file-transfer");
      const ground = () => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
      const before = await ground();
      await page.getByRole("button", { name: /^Colours/ }).click();
      await page.getByRole("button", { name: /^Colours: light/ }).click();
      const dark = await ground();
      expect(dark).not.toBe(before);
      await page.reload();
      expect(await ground()).toBe(dark);
      await close();
    });

    // ---------------------------------------------------------------- finding and picking

    test("one box finds states, events, clauses, effects, requirements and refusals, without the mouse", async () => {
      const { page, errors, close } = await at("#/overview");
      for (const [asked, found] of [
        ["122", /rule 1: awaiting, sip\.INVITE\.fileTransfer \[not supported\]/],
        ["membership.active", /open\.membership\.active/],
        ["msrp.SEND", /^msrp\.SEND$/],
        ["RFC 4579 §5.5", /^RFC 4579 §5\.5$/],
        ["release recipients", /large-message rule \d+/],
        ["CPM-GFT-S-001", /^CPM-GFT-S-001/],
        ["481", /refus|481|rule/],
      ] as const) {
        await page.evaluate("document.activeElement.blur()");
        await page.keyboard.press("/");
        await page.keyboard.type(asked);
        await expect.poll(() => page.locator(".results a").filter({ hasText: found }).count(), { message: asked }).toBeGreaterThan(0);
      }
      await page.getByRole("searchbox").fill("122");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Enter");
      await expect.poll(() => main(page).textContent()).toContain("122 Function not allowed");
      expect(errors).toEqual([]);
      await close();
    });

    test("a state, an arrow and a clause are picked by mouse and by key, and the back button goes back", async () => {
      const { page, errors, close } = await at("#/machine/group-file-transfer");
      const panel = page.locator(".panel");
      await page.locator('[data-state="group-file-transfer.refused"]').first().click({ force: true });
      await expect.poll(() => panel.locator("h2").textContent()).toBe("refused");
      await page.locator('[data-state="group-file-transfer.executing"][tabindex]').first().focus();
      await page.keyboard.press("Enter");
      await expect.poll(() => panel.locator("h2").textContent()).toBe("executing");
      expect(await panel.textContent()).toContain("machines/group-file-transfer.ts:");
      const arrow = page.locator("[data-rules][tabindex]").first();
      await arrow.focus();
      await page.keyboard.press("Enter");
      await expect.poll(() => panel.locator("h2").first().textContent()).toMatch(/^Rule \d+$/);
      expect(await page.locator("[data-rules].picked").count()).toBeGreaterThan(0);
      await page.goBack();
      await expect.poll(() => panel.locator("h2").textContent()).toBe("executing");
      await panel.locator("a.clause", { hasText: "CPM-CR §9.3.1" }).first().click();
      await expect.poll(() => page.locator("h1").textContent()).toBe("CPM-CR §9.3.1");
      for (const part of ["Cited by", "Decided beside it", "Ambiguities", "Requirements", "Tests on the wire"]) expect(await page.locator("h3", { hasText: part }).count(), part).toBe(1);
      expect(errors).toEqual([]);
      await close();
    });

    test("a chart is moved and zoomed by wheel, by mouse and by keys, and fits again", async () => {
      const { page, close } = await at("#/machine/group-participant");
      const drawing = page.locator(".window > svg");
      const shown = () => drawing.getAttribute("viewBox");
      const width = async () => Number((await shown())!.split(" ")[2]);
      await page.waitForTimeout(100);
      const wide = await width();
      /** Letters are not measured to the last tenth at every size. */
      const fits = async () => Math.abs((await width()) - wide) < 1;
      const box = (await page.locator(".window").boundingBox())!;
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.wheel(0, -300);
      await expect.poll(width).toBeLessThan(wide);
      const zoomed = await shown();
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2 + 80, box.y + box.height / 2 + 40, { steps: 4 });
      await page.mouse.up();
      expect(await shown()).not.toBe(zoomed);
      expect(page.url()).toBe(`${index}#/machine/group-participant`);
      await page.locator(".window").focus();
      await page.keyboard.press("0");
      await expect.poll(fits).toBe(true);
      for (const key of ["+", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
      expect(await width()).toBeLessThan(wide);
      await page.getByRole("button", { name: "Fit it in" }).click();
      await expect.poll(fits).toBe(true);
      await close();
    });

    // ---------------------------------------------------------------- running a machine

    test.each(names)("%s: by hand every one of its states is reached, and lit in the chart", { timeout: 60_000 }, async (name) => {
      const { page, errors, close } = await at("#/");
      const wanted = new Set(nodes(machines[name].root).slice(1).map(({ id }) => id as string));
      const lit = new Set<string>();
      for (const { input, events } of waysToAllStates(name)) {
        await go(page, `#/machine/${name}/run/${input}`);
        const seen = await page.evaluate<string[]>(`(async () => {
          const seen = [];
          const look = () => seen.push(...[...document.querySelectorAll("${isLit}")].map((each) => each.dataset.state));
          look();
          for (const number of ${JSON.stringify(events)}) {
            const arrived = new Promise((resolve) => addEventListener("hashchange", () => resolve(), { once: true }));
            document.querySelector('.events.takes [data-event="' + number + '"]').click();
            await arrived;
            look();
          }
          return seen;
        })()`);
        for (const id of seen) lit.add(id);
        expect(await page.locator(".count").textContent()).toBe(`${events.length} / ${events.length}`);
      }
      expect([...wanted].filter((id) => !lit.has(id))).toEqual([]);
      expect(errors).toEqual([]);
      await close();
    });

    test("what is refused says with what and why; the address holds the steps; back goes back", async () => {
      const { page, close } = await at("#/machine/group-session/run/0");
      const refused = page.locator("details", { hasText: "Refused here" });
      await refused.locator("summary").click();
      await refused.locator("button", { hasText: "sip.INVITE.join" }).first().click();
      const happened = page.locator(".happened");
      await expect.poll(() => happened.textContent()).toContain("Refused here: no rule takes it. SIP 404");
      expect(await happened.textContent()).toContain("RFC 3261 §21.4.5");
      await page.locator(".events.takes button", { hasText: "recipients 1, anonymous false" }).click();
      await expect.poll(() => page.locator(".places").textContent()).toContain("open.membership.creating");
      expect(await page.locator(".conversation svg").count()).toBe(1);
      const colleague = await at(new URL(page.url()).hash);
      await expect.poll(() => colleague.page.locator(".places").textContent()).toBe(await page.locator(".places").textContent());
      await colleague.close();
      await page.goBack();
      await expect.poll(() => page.locator(".places").textContent()).toBe("new");
      await close();
    });

    test("a guard that bars a rule is named", async () => {
      const accepted = worlds["large-message"].events.findIndex((event) => event.type === "recipient.accepted" && event.wrappedTypes === "indicated");
      const { page, close } = await at(`#/machine/large-message/run/0/0.${accepted}.${accepted}`);
      await expect.poll(() => page.locator(".happened").textContent()).toMatch(/Passed over in silence.*their guards do not hold.*awaited and indicated/s);
      await close();
    });

    test("a tour and a flow are played, paused, stepped and dragged, with the chart and the ladder", async () => {
      for (const hash of ["#/machine/large-message/tour/0/000?at=0", "#/flow/"]) {
        const { page, errors, close } = await at(hash === "#/flow/" ? "#/ladders/large-message" : hash);
        if (hash === "#/flow/") await page.locator('main a[href^="#/flow/"]').first().click();
        const count = page.locator(".count");
        await expect.poll(() => count.textContent()).toMatch(/^0 \/ \d+$/);
        const length = Number((await count.textContent())!.split(" / ")[1]);
        await page.getByRole("button", { name: "One step on" }).click();
        await expect.poll(() => count.textContent()).toBe(`1 / ${length}`);
        expect((await litIn(page)).length).toBeGreaterThan(0);
        expect(await page.locator(".conversation svg").count()).toBe(1);
        await page.getByRole("button", { name: "One step back" }).click();
        await expect.poll(() => count.textContent()).toBe(`0 / ${length}`);
        await page.getByRole("slider").fill(String(length));
        await expect.poll(() => count.textContent()).toBe(`${length} / ${length}`);
        await page.getByRole("button", { name: "To the start" }).click();
        await page.getByRole("button", { name: "Play" }).click();
        await expect.poll(() => count.textContent(), { timeout: 5_000 }).toBe(`1 / ${length}`);
        await page.getByRole("button", { name: "Pause" }).click();
        expect(errors).toEqual([]);
        await close();
      }
    });

    // ---------------------------------------------------------------- five questions

    describe("a spec author's question, from the first page", () => {
      const ask = async (question: string) => {
        const seen = await at("#/");
        await seen.page.getByRole("link", { name: question }).click();
        return seen;
      };

      test("What happens when a participant without wrapped-type support answers?", async () => {
        const { page, close } = await ask("What happens when a participant without wrapped-type support answers?");
        await expect.poll(() => page.locator("h1").textContent()).toContain("What follows recipient.accepted with wrapped types not indicated");
        const rows = await page.locator("tbody tr").allTextContents();
        for (const choice of policies.wrappedTypes.values) expect(rows.filter((row) => row.includes(choice) || row.includes(choice.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))).length, choice).toBeGreaterThan(0);
        expect(rows.find((row) => row.includes("wrapped types send unwrapped"))).toContain("deliver unwrapped");
        expect(rows.find((row) => row.includes("leave") || row.includes("left out"))).toContain("mark excluded");
        await close();
      });

      test("Which rule sends 122?", async () => {
        const { page, close } = await ask("Which rule sends 122?");
        const senders = names.flatMap((name) => transitions(machines[name]).flatMap(({ actions }, at) => (JSON.stringify(actions).includes("functionNotAllowed") ? [`${name} rule ${at + 1}:`] : [])));
        await expect.poll(() => page.locator(".hits", { has: page.getByRole("heading", { name: /^Rules/ }) }).locator(".results a").allTextContents()).toEqual(senders.map((sender) => expect.stringContaining(sender)));
        await page.getByRole("link", { name: "not supported" }).first().click();
        await expect.poll(() => page.locator(".panel").textContent()).toContain('answer 403 "122 Function not allowed"');
        expect(await page.locator(".panel .grounds").first().textContent()).toBe("cites CPM-CR §9.3.1");
        await close();
      });

      test("What did this change request change?", async () => {
        const { page, close } = await ask("What did this change request change?");
        await expect.poll(() => page.locator("figure svg").count()).toBeGreaterThan(0);
        const rows = await page.locator("tbody tr").allTextContents();
        expect(rows.filter((row) => row.startsWith("added") && row.includes("122 Function not allowed")).length).toBeGreaterThan(0);
        expect(await page.locator("figure .added").count()).toBeGreaterThan(0);
        await close();
      });

      test("Which requirement has no test?", async () => {
        const { page, close } = await ask("Which requirement has no test?");
        await expect.poll(() => page.locator(".answer").textContent()).toMatch(/^\d+ requirements? of \d+ ha(s|ve) no test: |^Every requirement/);
        const without = await page.evaluate<string[]>("site.review.requirements.filter(({ untested }) => untested).map(({ item }) => item)");
        expect(await page.locator("tbody .item").allTextContents()).toEqual(without);
        await close();
      });

      test("What may a closed group still do?", async () => {
        const { page, close } = await ask("What may a closed group still do?");
        await expect.poll(() => page.locator("h1").textContent()).toBe("closed: yes");
        expect(await page.locator(".answer").textContent()).toContain("one is refused everywhere that is served otherwise: sip.REFER.add");
        const still = await page.locator('[aria-label="Still served"] tbody tr td:first-child').allTextContents();
        expect(still).toEqual(expect.arrayContaining(["sip.INVITE.join", "sip.INVITE.fileTransfer", "sip.REFER.remove", "msrp.SEND", "participant.left"]));
        expect(still).not.toContain("sip.REFER.add");
        await close();
      });
    });

    // ---------------------------------------------------------------- data is text

    test("markup in what is shown stays text", { timeout: 30_000 }, async () => {
      const bad = join(directory, "markup");
      mkdirSync(bad);
      for (const file of ["index.html", "site.css"]) copyFileSync(join(directory, file), join(bad, file));
      const script = readFileSync(join(directory, "site.js"), "utf8");
      const end = script.indexOf("\n");
      const data = JSON.parse(JSON.parse(/^const site = JSON\.parse\((".*")\);$/.exec(script.slice(0, end))![1]!) as string) as unknown;
      const markup = `<img src="x" onerror="window.broken=true"></script><script>window.broken=true</script>`;
      const worded = new Set(["says", "asks", "quote", "why", "title", "prose", "open", "chosen", "function", "means", "decides", "given", "verdict", "answer", "guard"]);
      writeFileSync(join(bad, "site.js"), `const site = ${JSON.stringify(data, (key, value: unknown) => (worded.has(key) && typeof value === "string" ? `${markup}${value}` : value))};${script.slice(end)}`);
      const { page, errors, close } = await browser.open();
      const shown: string[] = [];
      for (const hash of pages) {
        await page.goto(`${pathToFileURL(join(bad, "index.html")).href}${hash}`);
        await page.waitForFunction("document.querySelector('main h1') !== null");
        expect(await page.evaluate("document.querySelector('main img, main script') === null && window.broken === undefined"), hash).toBe(true);
        if ((await main(page).textContent())!.includes(markup)) shown.push(hash);
      }
      expect(shown).toEqual(expect.arrayContaining(["#/", "#/overview", "#/requirements", "#/ambiguities", "#/machine/group-file-transfer/rules/1"]));
      expect(errors).toEqual([]);
      await close();
    });

    // ---------------------------------------------------------------- paper

    test("the PDF has every part, its pages are numbered, and its words can be found", { timeout: 180_000 }, async () => {
      await printed;
      const bytes = readFileSync(pdf);
      const document = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 });
      const texts: string[] = [];
      for (let number = 1; number <= document.numPages; number++) {
        const { items } = await (await document.getPage(number)).getTextContent({ disableNormalization: false });
        texts.push(items.map((item) => ("str" in item ? `${item.str}${item.hasEOL ? " " : ""}` : "")).join(""));
      }
      expect(document.numPages).toBeGreaterThan(20);
      texts.forEach((text, at) => expect(text).toContain(`${at + 1} / ${document.numPages}`));
      const outline = (await document.getOutline()).map(({ title }) => title);
      expect(outline).toEqual(expect.arrayContaining([...names, "Requirements", "Ambiguities", "Clauses"]));
      const begins = texts.findIndex((text) => text.includes("In the form of static conformance requirements"));
      expect(texts[0]).toMatch(new RegExp(`Requirements\\s*${begins + 1}\\b`));
      expect(texts.join(" ")).toContain("122 Function not allowed");
      expect(bytes.toString("latin1")).not.toMatch(/file:\/\/|\/CreationDate \(D:(?!20000101)/);
    });
  });
}

/** The command that people use. */
function run(...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["diagrams/print.ts", ...args], { cwd: root, env: { ...process.env, DISPLAY: "", WAYLAND_DISPLAY: "" }, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => (said += String(text)));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(" ")}: ${said}`))));
  });
}

/** A state in the chart in which the machine is, and one that holds such a state. */
const isLit = "[data-state]:is(.active, .around)";
const litIn = (page: Page): Promise<string[]> => page.evaluate<string[]>(`[...document.querySelectorAll("${isLit}")].map((each) => each.dataset.state)`);

/** Shortest ways that together are in every state, as an input and the numbers of events in the site's addresses. */
function waysToAllStates(name: MachineName): { readonly input: number; readonly events: readonly string[] }[] {
  const timers = [...new Set(transitions(machines[name]).map(({ eventType }) => eventType as string).filter((type) => type.startsWith("xstate.after.")))];
  const world: readonly AnyEventObject[] = worlds[name].events;
  const numberOf = (event: AnyEventObject) => (timers.includes(event.type) ? `t${timers.indexOf(event.type)}` : String(world.findIndex((each) => JSON.stringify(each) === JSON.stringify(event))));
  const missing = new Set(nodes(machines[name].root).slice(1).map(({ id }) => id as string));
  const ways: { input: number; events: string[] }[] = [];
  worlds[name].inputs.forEach((given, input) => {
    const begin = start<AnyStateMachine>(machines[name], given).snapshot as AnyMachineSnapshot;
    const known = new Set([keyOf(begin)]);
    const queue: { readonly at: AnyMachineSnapshot; readonly events: string[] }[] = [{ at: begin, events: [] }];
    // What is found is walked on from: the nearest first.
    for (const { at, events } of queue) {
      if (missing.size === 0) return;
      const ids = at._nodes.map(({ id }) => id as string);
      if (ids.some((id) => missing.has(id))) ways.push({ input, events });
      for (const id of ids) missing.delete(id);
      for (const event of at.status === "active" ? [...world, ...expiries(at).map((type) => ({ type }))] : []) {
        if (invariants[name].possible?.(at, event) === false) continue;
        const next = step<AnyStateMachine>(machines[name], at, event).snapshot as AnyMachineSnapshot;
        if (known.size < known.add(keyOf(next)).size) queue.push({ at: next, events: [...events, numberOf(event)] });
      }
    }
  });
  // What another way passes through needs none of its own.
  return ways.filter((way) => !ways.some((other) => other !== way && other.input === way.input && other.events.length > way.events.length && way.events.every((event, at) => other.events[at] === event)));
}

// ---------------------------------------------------------------- accessibility

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Rows of one table and items of one list are alike: the first are looked at. */
const alike = ["tbody tr:nth-child(n + 13)", "li:nth-child(n + 13)", "main section > details:nth-of-type(n + 13)"];

/** Serious and critical faults that axe-core finds in a page. */
async function inaccessible(page: Page): Promise<string[]> {
  if (!(await page.evaluate("window.axe !== undefined"))) await page.evaluate(axe);
  return page.evaluate<string[]>(`axe.run({ exclude: ${JSON.stringify(alike)} }, { resultTypes: ["violations"], preload: false }).then(({ violations }) =>
    violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => id + " at " + nodes.slice(0, 3).map(({ target }) => target.join(" ")).join(", ") + (nodes.length > 3 ? " and " + (nodes.length - 3) + " more" : "")))`);
}
