// @ts-check
// A place on a page that grows: its element is made anew only where what it says has changed.

import { make } from "./element.js";

/**
 * @param {() => any} words all that the element says
 * @param {() => HTMLElement | null} begin
 * @returns {{element: HTMLElement, renew: () => void}}
 */
export function createSlot(words, begin) {
  const element = make("div.fl-rec-slot");
  let said = "";
  const renew = () => {
    const now = JSON.stringify(words());
    if (now === said) return;
    said = now;
    const fresh = begin();
    element.replaceChildren(...(fresh === null ? [] : [fresh]));
  };
  renew();
  return { element, renew };
}
