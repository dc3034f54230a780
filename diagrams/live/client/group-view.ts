/** One group: who is in it, its files, its machines as they run, and what passes. */
import { h, replace, type Child } from "../../site/client/element.ts";
import { confirmed } from "./dialogs.ts";
import { keyed, say } from "./keyed.ts";
import { LadderView } from "./ladder-view.ts";
import type { Link } from "./link.ts";
import { MachineView, type Pictures } from "./machine-view.ts";
import { Refused, Unreachable, type Operator } from "./operator.ts";
import type { GroupShown, Seat, Transfer } from "./shapes.ts";
import { keyOf, WatchedGroup, type MachineNow } from "./watched-group.ts";
import { counted, duration, leaves, octets } from "./wording.ts";

/** How often the list's words about this group are asked for: octets come in without any step. */
const againMs = 1_000;
const tickMs = 250;

const members = ["invited", "connected", "away"];

export class GroupView {
  readonly element: HTMLElement;
  readonly #operator: Operator;
  readonly #group: WatchedGroup;
  readonly #over = new AbortController();
  readonly #title = h("h2", { tabindex: -1 });
  readonly #chip = h("span", { class: "chip" });
  readonly #facts = h("dl", { class: "facts" });
  readonly #end = h("button", { type: "button", class: "grave", onclick: () => void this.#onEnd() }, "End the group");
  readonly #said = h("p", { class: "said", role: "status" });
  readonly #seats = h("tbody", {});
  readonly #files = h("ul", { class: "files" });
  readonly #filesSection = h("section", { "aria-label": "Files" }, h("h3", {}, "Files"), this.#files);
  readonly #machines = h("div", { class: "machines", role: "group", "aria-label": "Machines" });
  readonly #machine: MachineView;
  readonly #ladder: LadderView;
  #chosen: string | undefined;
  #wanted = "";
  #drawing = false;

  constructor(id: string, operator: Operator, link: Link, pictures: Pictures) {
    this.#operator = operator;
    this.#group = new WatchedGroup(id, () => this.#drawSoon(), () => void this.#learn().catch(() => {}));
    this.#machine = new MachineView(pictures);
    this.#ladder = new LadderView(this.#group);
    this.#filesSection.hidden = true;
    this.element = h(
      "article",
      { class: "group", "aria-busy": "true" },
      h("a", { class: "back", href: "#/groups" }, "All groups"),
      h("header", {}, this.#title, this.#chip, h("span", { class: "push" }), this.#end),
      this.#said,
      this.#facts,
      h("section", { class: "running", "aria-label": "Machines" }, h("div", {}, h("h3", {}, "Machines"), this.#machines), this.#machine.element),
      this.#ladder.element,
      h("section", { "aria-label": "Participants" }, h("h3", {}, "Participants"), participants(this.#seats)),
      this.#filesSection,
    );
    this.#follow(id, link);
    const tick = setInterval(() => this.#tick(), tickMs);
    this.#over.signal.addEventListener("abort", () => clearInterval(tick));
  }

  close(): void {
    this.#over.abort();
  }

  focus(): void {
    this.#title.focus();
  }

  /** Looks at that machine, as soon as there is one of that key. */
  choose(key: string): void {
    this.#chosen = undefined;
    this.#wanted = key;
    this.#drawSoon();
  }

  #follow(id: string, link: Link): void {
    const { signal } = this.#over;
    const group = this.#group;
    const isOver = (): boolean => signal.aborted || group.state === "ended" || group.state === "gone";
    const path = encodeURIComponent(id);
    const gone = (fault: unknown): void => {
      if (!(fault instanceof Refused)) throw fault;
      if (fault.status === 404) group.gone();
      else say(this.#said, fault.message);
    };
    const steps = async (): Promise<number | undefined> => {
      for await (const told of this.#operator.stream(`/api/inspect?group=${path}`, signal)) {
        link.up();
        group.take(told);
        say(this.#said, "");
      }
      if (isOver()) return undefined;
      throw new Unreachable("the stream ended");
    };
    void link.repeat(signal, () => steps().catch((fault: unknown) => {
      group.lost();
      if (fault instanceof Refused && fault.status === 503) say(this.#said, `The steps of this group are not told: ${fault.message}.`);
      throw fault;
    })).catch(gone);
    void link.repeat(signal, async () => {
      if (isOver()) return undefined;
      await this.#learn();
      link.up();
      return againMs;
    }).catch(gone);
  }

  async #learn(): Promise<void> {
    this.#group.show(await this.#operator.get<GroupShown>(`/api/groups/${encodeURIComponent(this.#group.id)}?machines=no`));
  }

  // ---------------------------------------------------------------- what the operator does

  async #onEnd(): Promise<void> {
    const { subject } = this.#group.shown!;
    if (await confirmed(`End the group${subject === null ? "" : ` “${subject}”`}?`, "Everybody gets BYE with 410 Gone, and its files break off. This cannot be undone.", "End the group")) {
      await this.#do(`/api/groups/${encodeURIComponent(this.#group.id)}`);
    }
  }

  async #onRemove(seat: number): Promise<void> {
    const { uri } = this.#group.seats.get(seat)!;
    if (await confirmed(`Remove ${uri}?`, "All dialogs of this participant end, and who was removed stays out of the group. This cannot be undone.", "Remove")) {
      await this.#do(`/api/groups/${encodeURIComponent(this.#group.id)}/participants/${seat}`);
    }
  }

  async #do(path: string): Promise<void> {
    try {
      await this.#operator.delete(path);
      say(this.#said, "");
    } catch (fault) {
      say(this.#said, `It was not done: ${(fault as Error).message}.`);
    }
  }

  // ---------------------------------------------------------------- drawing

  /** Once a frame, however much happens. */
  #drawSoon(): void {
    if (this.#drawing || this.#over.signal.aborted) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw(): void {
    const group = this.#group;
    const { shown, state } = group;
    this.element.setAttribute("aria-busy", String(state === "connecting"));
    if (state === "gone" && shown === undefined) {
      say(this.#title, "This group is not here");
      this.#end.hidden = true;
      return say(this.#said, "It has ended, or the server has started again.");
    }
    if (shown === undefined) return say(this.#title, "…");
    const isOver = state === "ended" || state === "gone";
    const now = isOver ? "ended" : shown.state;
    replace(this.#title, shown.subject ?? h("i", {}, "no subject"));
    say(this.#chip, now);
    this.#chip.className = `chip ${now}`;
    this.#end.hidden = isOver || shown.state === "closing" || shown.state === "closed";
    this.element.classList.toggle("stale", state === "lost");
    this.#drawFacts(shown, isOver);
    keyed(this.#seats, [...group.seats.values()], ({ seat }) => String(seat), (seat) => this.#makeSeat(seat), (row, seat) => drawSeat(row, seat, isOver));
    const files = [...group.transfers.values()];
    const running = new Set(isOver ? [] : shown.fileTransfers.map(({ id }) => id));
    this.#filesSection.hidden = files.length === 0;
    keyed(this.#files, files, ({ id }) => id, makeFile, (element, file) => drawFile(element, file, running.has(file.id), group.machines.get(keyOf({ machine: "large-message", instance: file.id }))));
    this.#drawMachines();
    this.#ladder.draw();
  }

  #drawFacts({ identity, since, participants: counts, closed }: GroupShown, isOver: boolean): void {
    const facts: readonly (readonly [name: string, value: string])[] = [
      ["Age", isOver ? "over" : duration(this.#operator.now - Date.parse(since))],
      ["Participants", counted(counts)],
      ["Group Session Identity", identity],
      ...(closed ? [["Closed", "nobody is added"] as const] : []),
    ];
    keyed(this.#facts, facts, ([name]) => name, ([name]) => h("div", {}, h("dt", {}, name), h("dd", {})), (row, [, value]) => say(row.querySelector("dd")!, value));
  }

  #makeSeat({ seat, uri }: Seat): HTMLElement {
    const remove = h("button", { type: "button", "aria-label": `Remove ${uri}`, onclick: () => void this.#onRemove(seat) }, "Remove");
    return h("tr", {}, h("td", {}, String(seat)), h("td", {}, h("span", { class: "name" }), h("span", { class: "uri" })), h("td", {}, h("span", { class: "chip" })), h("td", { class: "dialogs" }), h("td", {}, remove));
  }

  #drawMachines(): void {
    const machines = [...this.#group.machines.values()].toSorted((a, b) => Number(a.over) - Number(b.over));
    if (this.#chosen === undefined || !this.#group.machines.has(this.#chosen)) this.#chosen = this.#group.machines.has(this.#wanted) ? this.#wanted : machines[0] && keyOf(machines[0]);
    keyed(this.#machines, machines, keyOf, (machine) => this.#makeMachine(machine), (button, machine) => {
      button.setAttribute("aria-pressed", String(keyOf(machine) === this.#chosen));
      button.classList.toggle("over", machine.over);
      say(button.querySelector(".name")!, this.#nameOf(machine));
      say(button.querySelector(".says")!, machine.over ? `over: ${leaves(machine.state)}` : leaves(machine.state));
    });
    this.#drawMachine();
  }

  #makeMachine(machine: MachineNow): HTMLElement {
    const key = keyOf(machine);
    const choose = (): void => {
      this.#chosen = key;
      this.#drawSoon();
    };
    return h("button", { type: "button", onclick: choose }, h("span", { class: "name" }), h("span", { class: "says" }));
  }

  #drawMachine(): void {
    const machine = this.#chosen === undefined ? undefined : this.#group.machines.get(this.#chosen);
    this.#machine.element.hidden = machine === undefined;
    if (machine !== undefined) this.#machine.draw(machine, this.#nameOf(machine));
  }

  #tick(): void {
    const { shown, state } = this.#group;
    if (shown === undefined || state === "ended" || state === "gone") return;
    this.#drawFacts(shown, false);
    const machine = this.#chosen === undefined ? undefined : this.#group.machines.get(this.#chosen);
    if (machine !== undefined) this.#machine.tick(machine);
  }

  /** What a machine is about: instances are named after a seat, or after a transfer and its recipient. */
  #nameOf({ machine, instance }: MachineNow): string {
    const [owner = "", part = ""] = instance.split(".");
    const person = (): string => userOf(this.#group.seats.get(Number(owner))?.uri ?? `seat ${owner}`);
    const transfer = this.#group.transfers.get(owner);
    const file = transfer?.file.name ?? "a file";
    switch (machine) {
      case "group-session":
        return "Group session";
      case "group-participant":
        return `Dialog with ${person()}`;
      case "conference-subscription":
        return `Subscription of ${person()}`;
      case "group-file-transfer":
        return `File transfer: ${file}`;
      case "large-message":
        return `Large message: ${file}`;
      case "large-message-sender":
        return `${file} from ${userOf(transfer?.sender.uri ?? "its sender")}`;
      case "large-message-recipient":
        return `${file} to ${userOf(transfer?.recipients[Number(part)]?.uri ?? `recipient ${part}`)}`;
      default:
        return `${machine} ${instance}`;
    }
  }
}

/** `alice@cpm.example` */
const userOf = (uri: string): string => uri.replace(/^sips?:/, "");

const participants = (body: HTMLElement): HTMLElement =>
  h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of participants" },
    h("table", {}, h("thead", {}, h("tr", {}, ["Seat", "Participant", "Is", "Dialogs", ""].map((name) => (name === "" ? h("td", {}) : h("th", { scope: "col" }, name))))), body),
  );

function drawSeat(row: HTMLElement, { uri, name, status, dialogs, joiningMethod, lastStatus }: Seat, isOver: boolean): void {
  say(row.querySelector(".name")!, name ?? "");
  say(row.querySelector(".uri")!, uri);
  const chip = row.querySelector(".chip")!;
  chip.className = `chip ${isOver ? "" : status}`;
  say(chip, status);
  const says: Child[] = dialogs.map(({ device, bound }) => `${device ?? "a device"}: ${bound ? "MSRP connected" : "no MSRP yet"}`);
  say(row.querySelector(".dialogs")!, [...says, joiningMethod, ...(lastStatus === null ? [] : [`last answered ${lastStatus}`])].join(", "));
  row.querySelector("button")!.hidden = isOver || !members.includes(status);
}

const makeFile = (): HTMLElement => h("li", {}, h("span", { class: "name" }), h("span", { class: "says" }), h("progress", { max: 1 }), h("ul", { class: "recipients" }));

/** `machine`: of 9.1.2, which knows at once what becomes of whom. */
function drawFile(element: HTMLElement, { file, sender, receivedOctets, recipients, state }: Transfer, isRunning: boolean, machine: MachineNow | undefined): void {
  const { name, type, octets: announced } = file;
  const total = announced ?? 0;
  const statuses = (machine?.context as { readonly recipients?: readonly string[] } | undefined)?.recipients;
  const size = announced === null ? "" : ` of ${octets(announced)}`;
  const stands = isRunning ? `${octets(receivedOctets)}${size} received, ${leaves(state)}` : `over${machine?.over === true ? `: ${leaves(machine.state)}` : ""}`;
  say(element.querySelector(".name")!, name ?? "no name");
  say(element.querySelector(".says")!, `${type ?? "no type"}, from ${userOf(sender.uri)}, ${stands}`);
  const progress = element.querySelector("progress")!;
  progress.hidden = !isRunning || total === 0;
  progress.setAttribute("aria-label", `received of ${name ?? "the file"}`);
  progress.value = total === 0 ? 0 : receivedOctets / total;
  keyed(element.querySelector<HTMLElement>(".recipients")!, recipients, ({ uri }) => uri, () => h("li", {}), (item, { uri, status }) => say(item, `${userOf(uri)}: ${statuses?.[recipients.findIndex((one) => one.uri === uri)] ?? status}`));
}
