/** The groups, or the transfers, that are here: a page of them, asked for again every two seconds while somebody looks. */
import { h, replace, type Child } from "../../site/client/element.ts";
import { keyed, say } from "./keyed.ts";
import type { Link } from "./link.ts";
import { Refused, type Operator } from "./operator.ts";
import type { GroupSummary, Transfer } from "./shapes.ts";
import { counted, duration, leaves, number, octets } from "./wording.ts";

export type Kind = "groups" | "transfers";

const entriesAPage = 50;
const againMs = 2_000;
/** How long nobody types before the search begins. */
const typingMs = 250;

const groupStates = ["creating", "active", "idle", "closing", "closed"] as const;

interface Row {
  readonly id: string;
  readonly since: string;
  /** What a click shows: a group, or a transfer in its group. */
  readonly shows: string;
  readonly title: Child;
  readonly state: string;
  readonly says: string;
}

interface Page {
  readonly rows: readonly Row[];
  readonly total: number;
  readonly next: number | null;
}

export class ListView {
  readonly element: HTMLElement;
  readonly #operator: Operator;
  readonly #link: Link;
  readonly #search = h("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", oninput: () => this.#onTyped() });
  readonly #state = h("select", { id: "state", onchange: () => this.#restart() }, h("option", { value: "" }, "any state"), groupStates.map((state) => h("option", { value: state }, state)));
  readonly #stateField = h("label", { class: "field", for: "state" }, "State", this.#state);
  readonly #rows = h("ul", { class: "rows" });
  readonly #count = h("p", { class: "count", role: "status" });
  readonly #newer = h("button", { type: "button", onclick: () => this.#turn(-1) }, "Newer");
  readonly #older = h("button", { type: "button", onclick: () => this.#turn(1) }, "Older");
  readonly #tabs: Readonly<Record<Kind, HTMLElement>> = { groups: h("a", { href: "#/groups" }, "Groups"), transfers: h("a", { href: "#/transfers" }, "File transfers") };
  #kind: Kind = "groups";
  #chosen: string | undefined;
  /** Where each page begins that was turned to; the first begins with the newest. */
  #begins: (number | undefined)[] = [undefined];
  #next: number | null = null;
  #typed: ReturnType<typeof setTimeout> | undefined;
  #over = new AbortController();

  constructor(operator: Operator, link: Link) {
    this.#operator = operator;
    this.#link = link;
    this.element = h(
      "nav",
      { class: "list", "aria-label": "Groups and file transfers" },
      h("div", { class: "tabs" }, this.#tabs.groups, this.#tabs.transfers),
      h("div", { class: "asked" }, h("label", { class: "field grow", for: "search" }, "Search", this.#search), this.#stateField),
      this.#count,
      this.#rows,
      h("div", { class: "turn" }, this.#newer, this.#older),
    );
    this.#restart();
  }

  /** `chosen`: the group that is looked at. */
  show(kind: Kind, chosen: string | undefined): void {
    this.#chosen = chosen;
    for (const [name, tab] of Object.entries(this.#tabs)) {
      if (name === kind) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    this.#stateField.hidden = kind !== "groups";
    for (const link of this.#rows.querySelectorAll("a")) mark(link, chosen);
    if (kind === this.#kind) return;
    this.#kind = kind;
    this.#rows.replaceChildren();
    this.#count.textContent = "";
    this.#restart();
  }

  #onTyped(): void {
    clearTimeout(this.#typed);
    this.#typed = setTimeout(() => this.#restart(), typingMs);
  }

  #turn(by: 1 | -1): void {
    if (by === 1 && this.#next !== null) this.#begins.push(this.#next);
    if (by === -1 && this.#begins.length > 1) this.#begins.pop();
    this.#ask();
  }

  #restart(): void {
    this.#begins = [undefined];
    this.#ask();
  }

  #ask(): void {
    this.#over.abort();
    this.#over = new AbortController();
    const { signal } = this.#over;
    const query = new URLSearchParams({ order: "newest", limit: String(entriesAPage) });
    const after = this.#begins.at(-1);
    if (after !== undefined) query.set("after", String(after));
    if (this.#search.value.trim() !== "") query.set("search", this.#search.value.trim());
    if (this.#kind === "groups" && this.#state.value !== "") query.set("state", this.#state.value);
    void this.#link.repeat(signal, async () => {
      const page = await read[this.#kind](this.#operator, query);
      this.#link.up();
      if (!signal.aborted) this.#draw(page, query);
      return againMs;
    }).catch((fault: unknown) => {
      if (!(fault instanceof Refused)) throw fault;
      this.#count.textContent = fault.message;
    });
  }

  #draw({ rows, total, next }: Page, query: URLSearchParams): void {
    this.#next = next;
    const before = (this.#begins.length - 1) * entriesAPage;
    const is = query.has("search") || query.has("state") ? "that match, of" : "of";
    const says = rows.length === 0 ? (query.has("search") || query.has("state") ? `None of ${number(total)} matches.` : "None.") : `${number(before + 1)} to ${number(before + rows.length)} ${is} ${number(total)}`;
    say(this.#count, says);
    this.#newer.disabled = before === 0;
    this.#older.disabled = next === null;
    keyed(this.#rows, rows, ({ id }) => id, () => h("li", {}, h("a", {})), (element, row) => this.#drawRow(element.querySelector("a")!, row));
  }

  #drawRow(link: HTMLAnchorElement, { shows, title, state, says, since }: Row): void {
    const href = `#/${this.#kind}/${shows}`;
    if (link.getAttribute("href") !== href) link.setAttribute("href", href);
    mark(link, this.#chosen);
    replace(link, h("span", { class: "title" }, title), h("span", { class: `chip ${state}` }, state), h("span", { class: "says" }, says), h("span", { class: "age" }, duration(this.#operator.now - Date.parse(since))));
  }
}

function mark(link: Element, chosen: string | undefined): void {
  if (chosen !== undefined && link.getAttribute("href")?.split("/")[2] === chosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

const read: Readonly<Record<Kind, (operator: Operator, query: URLSearchParams) => Promise<Page>>> = {
  groups: async (operator, query) => {
    const { groups, total, next } = await operator.get<{ readonly groups: readonly GroupSummary[]; readonly total: number; readonly next: number | null }>(`/api/groups?${query}`);
    return { rows: groups.map(rowOfGroup), total, next };
  },
  transfers: async (operator, query) => {
    const { transfers, total, next } = await operator.get<{ readonly transfers: readonly Transfer[]; readonly total: number; readonly next: number | null }>(`/api/transfers?${query}`);
    return { rows: transfers.map(rowOfTransfer), total, next };
  },
};

const rowOfGroup = ({ id, since, subject, state, participants, transfers }: GroupSummary): Row => ({
  id,
  since,
  shows: id,
  title: subject ?? h("i", {}, "no subject"),
  state,
  says: `${counted(participants)}${transfers > 0 ? `, ${transfers} file${transfers > 1 ? "s" : ""}` : ""}`,
});

const rowOfTransfer = ({ id, since, group, state, file, sender, receivedOctets }: Transfer): Row => ({
  id,
  since,
  shows: `${group}/${id}`,
  title: file.name ?? h("i", {}, "no name"),
  state: leaves(state),
  says: `from ${sender.uri}, ${octets(receivedOctets)}${file.octets === null ? "" : ` of ${octets(file.octets)}`}`,
});
