/** The live page: a list of what is here, and one group of it that is looked at. The address says which. */
import { h, replace } from "../../site/client/element.ts";
import { askForToken } from "./dialogs.ts";
import { GroupView } from "./group-view.ts";
import { say } from "./keyed.ts";
import { Link } from "./link.ts";
import { ListView, type Kind } from "./list-view.ts";
import { Pictures } from "./machine-view.ts";
import { Operator } from "./operator.ts";
import { keyOf } from "./watched-group.ts";
import { clockTime } from "./wording.ts";

const operator = new Operator(askForToken);
const pictures = new Pictures();
const link = new Link(showLink);

const banner = document.querySelector<HTMLElement>("#banner")!;
const lostWords = h("span", {});
const nextTry = h("span", { "aria-hidden": "true" });
banner.append(lostWords, nextTry, h("button", { type: "button", onclick: () => link.tryNow() }, "Try now"));

const chosen = document.querySelector<HTMLElement>("#chosen")!;
const nothing = h("p", { class: "nothing" }, "Choose a group or a file transfer to see its machines as they run.");
const lists = new ListView(operator, link);
document.querySelector("#lists")!.append(lists.element);
let group: { readonly id: string; readonly view: GroupView } | undefined;

/** `#/groups/GROUP`, `#/transfers`, `#/transfers/GROUP/TRANSFER` */
function route(): void {
  const [, kind = "", id = "", transfer] = location.hash.split("/");
  const asked: Kind = kind === "transfers" ? "transfers" : "groups";
  const wanted = id === "" ? undefined : decodeURIComponent(id);
  lists.show(asked, wanted);
  document.body.classList.toggle("has-chosen", wanted !== undefined);
  if (group?.id !== wanted) {
    group?.view.close();
    group = wanted === undefined ? undefined : { id: wanted, view: new GroupView(wanted, operator, link, pictures) };
    replace(chosen, group?.view.element ?? nothing);
    group?.view.focus();
  }
  if (transfer !== undefined) group?.view.choose(keyOf({ machine: "group-file-transfer", instance: transfer }));
}

function showLink(): void {
  const { lost } = link;
  banner.hidden = lost === undefined;
  document.body.classList.toggle("lost", lost !== undefined);
  if (lost === undefined) return;
  say(lostWords, `No connection to the server since ${clockTime(lost.since)}. What is shown is as old as that.`);
  count();
}

/** The countdown is not read aloud. */
function count(): void {
  const { lost } = link;
  if (lost !== undefined) say(nextTry, ` Next try in ${Math.max(0, Math.ceil((lost.nextTryAt - Date.now()) / 1_000))} s. `);
}
setInterval(count, 500);

const themes = ["light", "dark"] as const;
const themeKey = "cpm-theme";
const theme = document.querySelector<HTMLButtonElement>("#theme")!;
const wear = (name: string | null): void => {
  if (themes.some((one) => one === name)) document.documentElement.dataset["theme"] = name!;
};
wear(localStorage.getItem(themeKey));
theme.addEventListener("click", () => {
  const isDark = (document.documentElement.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const next = isDark ? "light" : "dark";
  localStorage.setItem(themeKey, next);
  wear(next);
});

addEventListener("hashchange", route);
route();
