/* The chart over time, to zoom into and to read off: in place of the drawing that is there
   without it. The data are those of the drawing; what cannot be loaded leaves it as it was. */
"use strict";
(() => {
  const figure = document.getElementById("history");
  const source = document.getElementById("report")?.dataset.history;
  if (!figure || !source || !window.uPlot) return;

  const HEIGHT = 330, STEP = 0.25, LEAST = 3600;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const percent = (p) => (p > 0 && p < 0.01 ? "<1" : p > 0.99 && p < 1 ? ">99" : Math.round(100 * p)) + "\u00a0%";
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const day = (at) => {
    const d = new Date(at * 1000);
    return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
  };
  const tick = (at, step) => {
    const d = new Date(at * 1000);
    if (step < 86400 && at % 86400) return d.toISOString().slice(11, 16);
    const words = `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
    return d.getUTCMonth() === 0 && d.getUTCDate() <= 7 ? `${words}\n${d.getUTCFullYear()}` : words;
  };
  const moment = (at) => `${day(at)}, ${new Date(at * 1000).toISOString().slice(11, 16)} UTC`;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  fetch(source, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
    .then((data) => { if (data.at.length > 1) draw(data); })
    .catch(() => {});

  function draw(data) {
    const moments = [...data.at, ...data.others.map((o) => o.at)];
    if (data.resolved) moments.push(data.resolved.at);
    const first = Math.min(...moments), last = Math.max(...moments);
    const near = data.deadline > last && data.deadline <= last + (last - first) / 5;
    const whole = [first, near ? data.deadline : last];
    let shown = [...whole];

    const range = make("output", { "aria-live": "polite" });
    const buttons = [
      ["Zoom in", "+", () => zoom(1 - 2 * STEP)], ["Zoom out", "−", () => zoom(1 / (1 - 2 * STEP))],
      ["Earlier", "←", () => pan(-STEP)], ["Later", "→", () => pan(STEP)],
      ["Show all", "All", () => show(...whole)],
    ].map(([name, sign, act]) => {
      const button = make("button", { type: "button", class: "second", title: name }, sign);
      if (name !== "Show all") button.setAttribute("aria-label", name);
      button.addEventListener("click", act);
      return button;
    });
    const canvas = make("div", {
      class: "canvas", tabindex: "0", role: "group", "aria-roledescription": "chart",
      "aria-label": "Probability over time. Arrows read the estimates one by one, "
        + "plus and minus zoom, shift and arrows move, 0 shows all.",
    });
    const reading = make("p", { class: "reading", role: "status" });
    const plot = make("div", { class: "plot" },
      make("div", { class: "controls", role: "group", "aria-label": "Zoom" }, ...buttons, range),
      canvas, reading);
    figure.prepend(plot);
    figure.classList.add("plotted");

    const top = Math.min(1, 1.06 * Math.max(...data.upper, ...data.p, 0.02,
      ...data.levels.map((l) => l.fires), ...data.others.map((o) => o.p)));
    const chart = new uPlot(options(), [data.at, data.upper, data.lower, data.p], canvas);
    let read = data.at.length - 1;
    show(...whole);
    say(read);

    function options() {
      const ink = colour("--soft"), rule = colour("--rule"), accent = colour("--accent");
      const font = "12px ui-sans-serif, system-ui, sans-serif";
      return {
        width: canvas.clientWidth, height: HEIGHT, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
        legend: { show: false },
        cursor: { y: false, drag: { x: true, y: false }, points: { size: 8 } },
        scales: { x: { time: true, range: () => shown }, y: { range: [0, top] } },
        series: [{}, { stroke: null, points: { show: false } }, { stroke: null, points: { show: false } },
          { stroke: accent, width: 2.25, points: { show: false } }],
        bands: [{ series: [1, 2], fill: colour("--band") }],
        axes: [{ stroke: ink, font, grid: { show: false }, ticks: { stroke: rule }, space: 80,
            values: (_, ticks, axis, space, step) => ticks.map((at) => tick(at, step)) },
          { stroke: ink, font, grid: { stroke: rule, width: 1 }, ticks: { show: false }, size: 52,
            values: (_, ticks) => ticks.map((p) => `${Math.round(1000 * p) / 10}\u00a0%`) }],
        hooks: { draw: [marks], setCursor: [(u) => { if (u.cursor.idx != null) say(u.cursor.idx); }],
          setSelect: [(u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
            u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            show(from, to);
          }] },
      };
    }

    function marks(u) {
      const pen = u.ctx, scale = devicePixelRatio, box = u.bbox;
      const x = (at) => u.valToPos(at, "x", true), y = (p) => u.valToPos(p, "y", true);
      const ink = colour("--ink"), soft = colour("--soft"), paper = colour("--paper");
      const line = (x1, y1, x2, y2, css, dash) => {
        pen.strokeStyle = css; pen.setLineDash(dash.map((d) => d * scale)); pen.lineWidth = scale;
        pen.beginPath(); pen.moveTo(x1, y1); pen.lineTo(x2, y2); pen.stroke();
      };
      const shape = (points, fill) => {
        pen.setLineDash([]); pen.beginPath();
        points.forEach(([a, b], n) => (n ? pen.lineTo(a, b) : pen.moveTo(a, b)));
        pen.closePath(); pen.fillStyle = fill; pen.fill(); pen.strokeStyle = ink; pen.lineWidth = 1.25 * scale; pen.stroke();
      };
      pen.save();
      const edge = 8 * scale;  // a mark at the very end is whole
      pen.beginPath(); pen.rect(box.left - edge, box.top, box.width + 2 * edge, box.height); pen.clip();
      for (const level of data.levels) {
        line(box.left, y(level.fires), box.left + box.width, y(level.fires), ink, [5, 4]);
        line(box.left, y(level.clears), box.left + box.width, y(level.clears), soft, [1.5, 4]);
      }
      line(x(data.deadline), box.top, x(data.deadline), box.top + box.height, ink, [2, 2]);
      if (data.resolved) line(x(data.resolved.at), box.top, x(data.resolved.at), box.top + box.height, ink, []);
      pen.font = `${11 * scale}px ui-sans-serif, system-ui, sans-serif`; pen.textAlign = "center";
      const seen = data.evidence.filter((one) => one.at >= shown[0] && one.at <= shown[1]);
      const places = apart(seen.map((one) => x(one.at)), 18 * scale, box.left + 9 * scale, box.left + box.width - 9 * scale);
      seen.forEach((one, n) => {
        line(places[n], box.top + 17 * scale, x(one.at), box.top + 30 * scale, soft, []);
        line(x(one.at), box.top + 30 * scale, x(one.at), box.top + box.height, soft, [1, 3]);
        pen.setLineDash([]); pen.beginPath(); pen.arc(places[n], box.top + 9 * scale, 8 * scale, 0, 7);
        pen.fillStyle = paper; pen.fill(); pen.strokeStyle = soft; pen.stroke();
        pen.fillStyle = ink; pen.fillText(String(one.number), places[n], box.top + 13 * scale);
      });
      const s = 5 * scale;
      for (const o of data.others) {
        const a = x(o.at), b = y(o.p);
        shape([[a, b - s], [a + s, b], [a, b + s], [a - s, b]], paper);
      }
      data.held.forEach((is, n) => {
        if (!is) return;
        pen.setLineDash([]); pen.beginPath(); pen.arc(x(data.at[n]), y(data.p[n]), 0.8 * s, 0, 7);
        pen.fillStyle = paper; pen.fill(); pen.strokeStyle = colour("--accent"); pen.stroke();
      });
      for (const t of data.alerts) {
        const a = x(t.at), b = y(t.p), up = t.fired ? 1 : -1;
        shape([[a - s, b + up * s], [a + s, b + up * s], [a, b - up * s]], t.fired ? ink : paper);
      }
      pen.restore();
    }

    /* Places at least `gap` apart, as near to the wanted ones as that leaves them. */
    function apart(wanted, gap, low, high) {
      const found = [];
      wanted.forEach((place, n) => found.push(Math.max(place, n ? found[n - 1] + gap : low)));
      for (let n = found.length - 1, most = high; n >= 0; n -= 1, most = found[n + 1] - gap) {
        found[n] = Math.min(found[n], most);
      }
      return found;
    }

    function say(n) {
      read = n;
      const at = data.at[n], until = data.at[n + 1] ?? Infinity;
      const words = [make("b", {}, percent(data.p[n])),
        ` on ${moment(at)}, ${Math.round(100 * data.mass)}\u00a0% band ${percent(data.lower[n])} to ${percent(data.upper[n])}`];
      if (data.held[n]) words.push("; held");
      for (const t of data.alerts) if (t.at >= at && t.at < until) words.push(`; ${t.rule} ${t.fired ? "fired" : "cleared"}`);
      for (const e of data.evidence) if (e.at <= at && e.at > (data.at[n - 1] ?? -Infinity)) words.push(`; ${e.number}: ${e.words}`);
      for (const o of data.others) if (o.at >= at && o.at < until) words.push(`; ${o.source} said ${percent(o.p)}`);
      reading.replaceChildren(...words);
    }

    function show(from, to) {
      const least = Math.min(LEAST, whole[1] - whole[0]);
      let width = Math.min(Math.max(to - from, least), whole[1] - whole[0]);
      from = Math.min(Math.max(from, whole[0]), whole[1] - width);
      shown = [from, from + width];
      chart.setScale("x", { min: shown[0], max: shown[1] });
      range.textContent = `${day(shown[0])} to ${day(shown[1])}`;
      const is_whole = width >= whole[1] - whole[0] - 1;
      [false, is_whole, shown[0] <= whole[0], shown[1] >= whole[1] - 1, is_whole].forEach((off, n) => {
        buttons[n].setAttribute("aria-disabled", String(off));
      });
    }
    function zoom(factor, around = (shown[0] + shown[1]) / 2) {
      show(around - (around - shown[0]) * factor, around + (shown[1] - around) * factor);
    }
    function pan(share) {
      const by = share * (shown[1] - shown[0]);
      show(shown[0] + by, shown[1] + by);
    }
    function step(by) {
      read = Math.min(Math.max(read + by, 0), data.at.length - 1);
      const at = data.at[read], width = shown[1] - shown[0];
      if (at < shown[0] || at > shown[1]) show(at - width / 2, at + width / 2);
      chart.setCursor({ left: chart.valToPos(at, "x"), top: 10 });
      say(read);
    }
    const KEYS = {
      "+": () => zoom(1 - 2 * STEP), "=": () => zoom(1 - 2 * STEP), "-": () => zoom(1 / (1 - 2 * STEP)),
      "0": () => show(...whole), Home: () => step(-Infinity), End: () => step(Infinity),
      ArrowLeft: (e) => (e.shiftKey ? pan(-STEP) : step(-1)), ArrowRight: (e) => (e.shiftKey ? pan(STEP) : step(1)),
    };
    canvas.addEventListener("keydown", (event) => {
      const act = !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key];
      if (act) { event.preventDefault(); act(event); }
    });
    chart.over.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.8 : 1.25, chart.posToVal(event.offsetX, "x"));
    }, { passive: false });
    new ResizeObserver(() => chart.setSize({ width: canvas.clientWidth, height: HEIGHT })).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
  }
})();
