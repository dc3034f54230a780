/** The conversation of a run so far, as a ladder. */
import { walkConversation } from "../../ladders/conversations.ts";
import { ladder } from "../../ladders/ladder.ts";
import { picture } from "./element.ts";
import type { Script } from "./script.ts";

export const ladderOf = ({ name, title, input, events }: Script, at: number): SVGSVGElement => picture(ladder(walkConversation({ machine: name, title, input, events: events.slice(0, at) })));
