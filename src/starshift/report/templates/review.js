"use strict";
// Decisions are kept by the digest of the picture: digest → {file, digest, decision, label, by, when}. They lie in the
// browser's storage until they are saved as labels.overlay.csv.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const suspects = data.suspects;
  const storageKey = `starshift review ${data.key}`;
  const past = []; // [place, digest, what was decided before, or null]
  let decided = new Map();
  let place = 0;

  // --- what was decided before ---

  function stored() {
    try {
      const found = JSON.parse(localStorage.getItem(storageKey) || "{}");
      return { digest: found.digest || "", by: found.by || "", decisions: found.decisions || {} };
    } catch {
      return { digest: "", by: "", decisions: {} };
    }
  }

  function load() {
    const before = stored();
    const inFile = new Map(data.decisions.map((one) => [one.digest, one]));
    decided = new Map(inFile);
    for (const [digest, one] of Object.entries(before.decisions)) {
      // A file that changed since this browser last saw it was edited or saved elsewhere: its lines are newer.
      if (before.digest === data.decisionsDigest || !inFile.has(digest)) decided.set(digest, one);
    }
    element("by").value = before.by;
    keep();
  }

  function keep() {
    const kept = { digest: data.decisionsDigest, by: element("by").value, decisions: Object.fromEntries(decided) };
    try {
      localStorage.setItem(storageKey, JSON.stringify(kept));
    } catch {
      warn("This browser keeps nothing for this page. Save the file before you close it.");
    }
  }

  function warn(sentence) {
    element("warning-text").textContent = sentence;
    element("warning").hidden = false;
  }

  // --- deciding ---

  const nameOf = (index) => data.classes[index].shown;
  const decisionOn = (suspect) => decided.get(suspect.digest) || null;

  function inWords(one) {
    if (one === null) return "not yet";
    if (one.decision === "keep") return "the label is right";
    if (one.decision === "drop") return "left out";
    const known = data.classes.find((each) => each.name === one.label);
    return `is ${known ? known.shown : one.label}`;
  }

  function decide(decision, label = "") {
    if (!suspects.length) return;
    const suspect = suspects[place];
    past.push([place, suspect.digest, decisionOn(suspect)]);
    const when = new Date().toISOString().slice(0, 19) + "Z";
    const by = element("by").value.trim();
    const one = { file: suspect.path, digest: suspect.digest, decision, label, by, when };
    decided.set(suspect.digest, one);
    keep();
    const next = following();
    const told = `${suspect.shown}: ${inWords(one)}.`;
    if (next === null) {
      say(`${told} All are decided; press s to save.`);
    } else {
      place = next;
      say(told);
    }
    show();
  }

  function following() {
    for (let step = 1; step <= suspects.length; step += 1) {
      const at = (place + step) % suspects.length;
      if (decisionOn(suspects[at]) === null) return at;
    }
    return null;
  }

  function relabel(index) {
    if (index === suspects[place].given) decide("keep");
    else decide("relabel", data.classes[index].name);
  }

  function undo() {
    if (!past.length) {
      say("There is nothing to undo.");
      return;
    }
    const [at, digest, before] = past.pop();
    if (before === null) decided.delete(digest);
    else decided.set(digest, before);
    place = at;
    keep();
    say(`${suspects[at].shown}: ${inWords(decisionOn(suspects[at]))} again.`);
    show();
  }

  function move(step) {
    if (!suspects.length) return;
    place = Math.min(Math.max(place + step, 0), suspects.length - 1);
    const suspect = suspects[place];
    say(`${place + 1} of ${suspects.length}: labelled ${nameOf(suspect.given)}, ${inWords(decisionOn(suspect))}.`);
    show();
  }

  // --- the class list ---

  function choose() {
    if (!suspects.length) return;
    const suspect = suspects[place];
    const list = element("classes");
    list.replaceChildren();
    data.classes.forEach((one, index) => {
      if (index === suspect.given) return;
      const option = new Option(one.shown, String(index), false, index === suspect.likely[0].label);
      list.append(option);
    });
    element("chooser").returnValue = "";
    element("chooser").showModal();
    list.focus();
  }

  // --- saving ---

  const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

  function csv() {
    const columns = ["file", "digest", "decision", "label", "by", "when"];
    const rows = [...decided.values()];
    rows.sort((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : 0));
    const lines = [columns, ...rows.map((one) => columns.map((column) => String(one[column] ?? "")))];
    return lines.map((line) => line.map(quoted).join(",") + "\n").join("");
  }

  function save() {
    const count = decided.size;
    if (!count) {
      say("Nothing is decided yet, so there is nothing to save.");
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
    link.download = "labels.overlay.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say(`Saved ${count} decision${count === 1 ? "" : "s"} as labels.overlay.csv, where this browser puts downloads.`);
  }

  // --- showing ---

  function say(sentence) {
    element("said").textContent = sentence;
  }

  function button(text, key, act, pressed) {
    const made = document.createElement("button");
    made.type = "button";
    const hint = document.createElement("kbd");
    hint.textContent = key;
    const words = document.createElement("bdi");
    words.textContent = text;
    made.append(hint, " ", words);
    made.setAttribute("aria-pressed", String(pressed));
    made.addEventListener("click", act);
    return made;
  }

  function show() {
    counts();
    strip();
    if (!suspects.length) return;
    const suspect = suspects[place];
    const one = decisionOn(suspect);
    const [first] = suspect.likely;
    const picture = element("picture");
    picture.hidden = !suspect.picture;
    element("nothing").hidden = Boolean(suspect.picture);
    if (suspect.picture) picture.src = suspect.picture;
    picture.alt = `${suspect.shown}, labelled ${nameOf(suspect.given)}`;
    picture.className = suspect.small ? "small" : "";
    const why = suspect.looksWrong ? "looks wrong" : "less sure";
    element("where").textContent = `${place + 1} of ${suspects.length} · ${why} · ${suspect.part} part`;
    element("file").textContent = suspect.shown;
    element("given").textContent = nameOf(suspect.given);
    element("given-probability").textContent = suspect.givenProbability;
    element("suggested").textContent = nameOf(first.label);
    element("suggested-probability").textContent = first.probability;
    element("decided").textContent = inWords(one);
    element("decided").className = one ? "yes" : "";
    element("keep").setAttribute("aria-pressed", String(one !== null && one.decision === "keep"));
    element("drop").setAttribute("aria-pressed", String(one !== null && one.decision === "drop"));
    options(suspect, one);
    element("before").disabled = place === 0;
    element("after").disabled = place === suspects.length - 1;
    element("undo").disabled = !past.length;
  }

  function options(suspect, one) {
    const focused = document.activeElement;
    const buttons = suspect.likely.map(({ label, probability }, at) => {
      const chosen = one !== null && one.decision === "relabel" && one.label === data.classes[label].name;
      return button(`It is ${nameOf(label)} (${probability})`, String(at + 1), () => relabel(label), chosen);
    });
    const held = element("likely").contains(focused);
    element("likely").replaceChildren(...buttons);
    if (held) buttons[0].focus(); // the button that was pressed is gone; the keyboard stays where it was
  }

  function counts() {
    const made = suspects.map(decisionOn).filter((one) => one !== null);
    const kinds = { relabel: "relabelled", drop: "left out", keep: "right as they are" };
    const told = Object.entries(kinds).map(
      ([kind, words]) => `${made.filter((one) => one.decision === kind).length} ${words}`,
    );
    const rest = decided.size - made.length;
    const earlier = rest > 0 ? `; ${rest} more from before` : "";
    element("counts").textContent = `${made.length} of ${suspects.length} decided: ${told.join(", ")}${earlier}`;
    element("progress").max = Math.max(suspects.length, 1);
    element("progress").value = made.length;
  }

  function strip() {
    const buttons = element("strip").children;
    suspects.forEach((suspect, at) => {
      const one = decisionOn(suspect);
      const mark = { keep: "✓ right", drop: "✗ out", relabel: "→ new" }[one ? one.decision : ""] || "·";
      buttons[at].lastChild.textContent = mark;
      buttons[at].setAttribute("aria-label", `${at + 1}: ${nameOf(suspect.given)}, ${inWords(one)}`);
      buttons[at].setAttribute("aria-current", String(at === place));
      buttons[at].tabIndex = at === place ? 0 : -1; // one stop of the Tab key, not hundreds
    });
    if (buttons[place]) buttons[place].scrollIntoView({ block: "nearest", inline: "center" });
  }

  function makeStrip() {
    suspects.forEach((suspect, at) => {
      const made = document.createElement("button");
      made.type = "button";
      const picture = document.createElement(suspect.picture ? "img" : "div");
      if (suspect.picture) {
        picture.src = suspect.picture;
        picture.alt = "";
        picture.loading = "lazy";
      } else {
        picture.className = "nothing";
      }
      made.append(picture, document.createElement("span"));
      made.addEventListener("click", () => move(at - place));
      element("strip").append(made);
    });
  }

  // --- keys ---

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || element("chooser").open) return;
    if (event.target.matches && event.target.matches("input, select, textarea")) return;
    const likely = suspects.length ? suspects[place].likely : [];
    const acts = {
      k: () => decide("keep"),
      d: () => decide("drop"),
      r: choose,
      u: undo,
      s: save,
      ArrowLeft: () => move(-1),
      ArrowRight: () => move(1),
    };
    likely.forEach(({ label }, at) => {
      acts[String(at + 1)] = () => relabel(label);
    });
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  element("keep").addEventListener("click", () => decide("keep"));
  element("drop").addEventListener("click", () => decide("drop"));
  element("relabel").addEventListener("click", choose);
  element("before").addEventListener("click", () => move(-1));
  element("after").addEventListener("click", () => move(1));
  element("undo").addEventListener("click", undo);
  element("save").addEventListener("click", save);
  element("by").addEventListener("change", keep);
  element("classes").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return; // a list does not send its form by itself
    event.preventDefault();
    element("give").click();
  });
  element("classes").addEventListener("dblclick", () => element("give").click());
  element("chooser").addEventListener("close", () => {
    const label = element("classes").value;
    if (element("chooser").returnValue === "give" && label !== "") relabel(Number(label));
  });
  document.addEventListener("keydown", pressed);

  element("place").textContent = data.place;
  element("command").textContent = data.command;
  load();
  makeStrip();
  const next = suspects.findIndex((suspect) => decisionOn(suspect) === null);
  place = Math.max(next, 0);
  if (!suspects.length) say("No label is left to decide.");
  show();
})();
