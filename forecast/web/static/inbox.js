// Keys of the inbox. The page does without: every key presses what stands in the card.
"use strict";
(() => {
  const cards = [...document.querySelectorAll("[data-candidate]")];
  const legend = document.getElementById("keys"), off = document.getElementById("keys-off");
  const ticked = document.getElementById("ticked"), KEPT = "tocsin-inbox-keys";
  if (!legend || !cards.length) return;
  const boxes = cards.map((card) => card.querySelector("input[type=checkbox]"));
  const buttons = document.querySelectorAll("#several button");
  let areOn = localStorage.getItem(KEPT) !== "off";

  const count = () => {
    const many = boxes.filter((box) => box.checked).length;
    ticked.textContent = many ? `(${many})` : "(none yet)";
    for (const button of buttons) button.disabled = !many;
  };
  const show = () => {
    legend.hidden = false;
    legend.classList.toggle("off", !areOn);
    off.textContent = areOn ? "Turn keys off" : "Turn keys on";
  };
  const at = () => cards.findIndex((card) => card.contains(document.activeElement));
  const go = (to) => {
    const card = cards[Math.min(Math.max(to, 0), cards.length - 1)];
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  };
  const act = (card, key) => {
    const found = card.querySelector(`[data-key="${key}"]`);
    if (!found) return;
    if (found.tagName !== "DETAILS") return found.click();
    found.open = true;
    found.querySelector("input:not([type=hidden])").focus();
  };

  off.addEventListener("click", () => {
    areOn = !areOn;
    localStorage.setItem(KEPT, areOn ? "on" : "off");
    show();
  });
  document.addEventListener("change", count);
  document.addEventListener("keydown", (event) => {
    const isWriting = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && isWriting && at() >= 0) {
      event.target.closest("details")?.removeAttribute("open");
      return go(at());
    }
    if (!areOn || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
    const here = at();
    if (event.key === "j") go(here + 1);
    else if (event.key === "k") go(here < 0 ? 0 : here - 1);
    else if (here < 0) return;
    else if (event.key === "x") boxes[here].click();
    else if ("cer".includes(event.key)) act(cards[here], event.key);
    else return;
    event.preventDefault();
  });
  const named = cards.findIndex((card) => `#${card.id}` === location.hash);
  if (named >= 0) go(named);
  show();
  count();
})();
