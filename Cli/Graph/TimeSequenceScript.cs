namespace Interceptor.Cli.Graph;

/// <summary>The scripts of a time-sequence page. Its numbers come from JSON.parse and reach the page as numbers and text only.</summary>
internal static class TimeSequenceScript
{
    /// <summary>What is under the pointer.</summary>
    internal const string Details = """
        "use strict";
        const data = JSON.parse(document.getElementById("data").textContent);
        const svg = document.querySelector("svg");
        const tip = document.getElementById("tip");
        const make = (name, attributes, text) => {
          const element = document.createElementNS(svg.namespaceURI, name);
          for (const key in attributes) element.setAttribute(key, attributes[key]);
          if (text) element.textContent = text;
          return element;
        };
        const cross = make("path", { class: "cross" });
        svg.append(cross);
        const reach = 14;
        const scale = (axis, value) => axis[2] + (Math.min(Math.max(value, axis[0]), axis[1]) - axis[0]) / (axis[1] - axis[0]) * (axis[3] - axis[2]);
        const back = (axis, pixel) => axis[0] + (pixel - axis[2]) / (axis[3] - axis[2]) * (axis[1] - axis[0]);
        const seconds = ns => (ns / 1e9).toFixed(6) + " s";
        const times = count => count > 1 ? ", " + count + " in one" : "";
        const pointOf = event => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
        const panelAt = point => data.panels.find(p => point.x >= p.x[2] && point.x <= p.x[3] && point.y >= p.y[3] && point.y <= p.y[2]);

        function nearest(panel, x, y) {
          let best = null, least = reach;
          const test = (time, left, right, text) => {
            if (time < panel.x[0] || time > panel.x[1]) return;
            const low = scale(panel.y, left), high = scale(panel.y, right);
            const dy = y > low ? y - low : y < high ? high - y : 0;
            const distance = Math.hypot(x - scale(panel.x, time), dy);
            if (distance < least) { least = distance; best = text; }
          };
          for (const [t, n, left, right, count, words] of panel.segments)
            test(t, left, right, () => `packet ${n}  ${seconds(t)}\n${words || "segment"}\n${left} to ${right} (${right - left})${times(count)}`);
          for (const [t, n, left, right, count, words] of panel.sacks)
            test(t, left, right, () => `packet ${n}  ${seconds(t)}\n${words}\n${left} to ${right} (${right - left})${times(count)}`);
          for (const [t, n, at, count, words] of panel.marks)
            test(t, at, at, () => `packet ${n}  ${seconds(t)}\n${words} at ${at}${times(count)}`);
          return best;
        }

        // How many edges are not later than a time.
        function edgesBefore(panel, time) {
          let low = 0, high = panel.edges.length;
          while (low < high) {
            const middle = (low + high) >> 1;
            if (panel.edges[middle][0] <= time) low = middle + 1; else high = middle;
          }
          return low;
        }

        function edgesAt(panel, time) {
          const count = edgesBefore(panel, time);
          if (count === 0) return "";
          const [, una, next, edge] = panel.edges[count - 1];
          const window = edge === null ? "unknown" : `${edge} (${edge - una} open)`;
          return `acknowledged  ${una}\nsend head     ${next} (${next - una} in flight)\nwindow edge   ${window}`;
        }

        svg.addEventListener("pointermove", event => {
          const point = pointOf(event);
          const panel = panelAt(point);
          if (!panel) { leave(); return; }
          const time = back(panel.x, point.x);
          const found = nearest(panel, point.x, point.y);
          tip.textContent = (found ? found() + "\n\n" : "") + `${seconds(time)}\n${edgesAt(panel, time)}`;
          tip.style.display = "block";
          const box = tip.getBoundingClientRect();
          tip.style.left = (event.clientX + 16 + box.width > innerWidth ? event.clientX - box.width - 12 : event.clientX + 16) + "px";
          tip.style.top = Math.max(4, Math.min(event.clientY + 16, innerHeight - box.height - 4)) + "px";
          cross.setAttribute("d", `M${point.x} ${panel.y[3]}V${panel.y[2]}M${panel.x[2]} ${point.y}H${panel.x[3]}`);
        });
        function leave() { tip.style.display = "none"; cross.setAttribute("d", ""); }
        svg.addEventListener("pointerleave", leave);
        """;

    /// <summary>A time that the user chose, drawn from the numbers in both panels; the sequence axis follows what is in it.</summary>
    internal const string Zoom = """
        const leastSpan = 2000;
        for (const panel of data.panels) {
          panel.group = document.getElementById("panel-" + panel.id);
          panel.whole = { x: panel.x, y: panel.y, drawn: [...panel.group.childNodes] };
        }

        // A little outside of the plot is far enough: all lines are level or upright.
        const place = (axis, value) => {
          const pixel = back([axis[2], axis[3], axis[0], axis[1]], value);
          return Math.min(Math.max(pixel, Math.min(axis[2], axis[3]) - 9), Math.max(axis[2], axis[3]) + 9).toFixed(1);
        };
        const inside = (panel, item) => item[0] >= panel.x[0] && item[0] <= panel.x[1];
        const has = (item, word) => item[5].split(" ").includes(word);

        function rangeOf(panel, first, last) {
          let low = Infinity, high = -Infinity, top = -Infinity;
          const take = (left, right) => { low = Math.min(low, left); high = Math.max(high, right); };
          for (const item of panel.segments) if (item[0] >= first && item[0] <= last) take(item[2], item[3]);
          for (let i = Math.max(0, edgesBefore(panel, first) - 1); i < panel.edges.length && panel.edges[i][0] <= last; i++) {
            take(panel.edges[i][1], panel.edges[i][2]);
            if (panel.edges[i][3] !== null) top = Math.max(top, panel.edges[i][3]);
          }
          if (low > high) return [panel.whole.y[0], panel.whole.y[1]];
          const span = Math.max(high - low, 16);
          high = top > high && top <= high + 0.6 * span ? top : low + span;
          return [low - 0.04 * span, high + 0.06 * (high - low)];
        }

        function timeTicks(axis) {
          const span = axis[1] - axis[0];
          const [unit, name] = span >= 1e9 ? [1e9, "s"] : span >= 1e6 ? [1e6, "ms"] : [1e3, "µs"];
          const rough = span / unit / 8, power = 10 ** Math.floor(Math.log10(rough));
          const step = unit * power * [1, 2, 5, 10].find(n => rough / power <= n);
          const ticks = [];
          for (let n = Math.ceil(axis[0] / step); n * step <= axis[1]; n++) ticks.push([n * step, +(n * step / unit).toFixed(6) + " " + name]);
          return ticks;
        }

        function byteTicks(axis) {
          const step = Math.max(1, 2 ** Math.ceil(Math.log2((axis[1] - axis[0]) / 8)));
          const ticks = [];
          for (let n = Math.ceil(axis[0] / step); n * step <= axis[1]; n++) {
            let value = n * step, unit = 0;
            while (step >= 1024 ** (unit + 1) && unit < 4) unit++;
            ticks.push([value, +(value / 1024 ** unit).toFixed(2) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][unit]]);
          }
          return ticks;
        }

        function steps(panel, index) {
          let path = "";
          for (const edge of panel.edges) {
            if (edge[index] === null) continue;
            const x = place(panel.x, edge[0]), y = place(panel.y, edge[index]);
            path += path ? `H${x}V${y}` : `M${x} ${y}`;
          }
          return path && path + "H" + (panel.x[3] + 9);
        }

        function bar(panel, item) {
          const foot = +place(panel.y, item[2]);
          return `M${place(panel.x, item[0])} ${foot}V${Math.min(+place(panel.y, item[3]), foot - 2)}`;
        }

        function draw(panel) {
          const axes = make("g", { class: "axis" });
          for (const [value, text] of timeTicks(panel.x)) {
            const x = place(panel.x, value);
            axes.append(make("path", { class: "grid", d: `M${x} ${panel.y[3]}V${panel.y[2]}` }), make("text", { x, y: panel.y[2] + 17, "text-anchor": "middle" }, text));
          }
          for (const [value, text] of byteTicks(panel.y)) {
            const y = +place(panel.y, value);
            axes.append(make("path", { class: "grid", d: `M${panel.x[2]} ${y}H${panel.x[3]}` }), make("text", { x: panel.x[2] - 8, y: y + 4, "text-anchor": "end" }, text));
          }
          const clip = [...panel.whole.drawn].find(node => node.nodeName === "clipPath");
          const plot = make("g", { "clip-path": `url(#${clip.id})` });
          const add = (name, path) => { if (path) plot.append(make("path", { class: name, d: path })); };
          if (data.frozen) {
            const [left, right] = data.frozen.map(time => +place(panel.x, time));
            plot.append(make("rect", { class: "frozen", x: left, y: panel.y[3], width: Math.max(right - left, 2), height: panel.y[2] - panel.y[3] }));
          }
          const head = steps(panel, 2);
          let queue = head;
          for (let i = panel.edges.length - 1; i >= 0; i--) queue += `V${place(panel.y, panel.edges[i][1])}H${place(panel.x, panel.edges[i][0])}`;
          add("queue", queue && queue + "Z");
          add("window", steps(panel, 3));
          add("head", head);
          add("acknowledged", steps(panel, 1));
          const paths = { segment: "", reordered: "", probe: "", sack: "", dsack: "", retransmission: "", duplicate: "", zero: "" };
          for (const item of panel.segments.filter(item => inside(panel, item))) {
            const name = has(item, "retransmission") ? "retransmission" : has(item, "out_of_order") ? "reordered" : has(item, "keep_alive") ? "probe" : "segment";
            paths[name] += bar(panel, item);
            if (name === "retransmission") paths[name] += `M${place(panel.x, item[0])} ${+place(panel.y, item[2]) + 1}l-3.5 6h7z`;
          }
          for (const item of panel.sacks.filter(item => inside(panel, item))) paths[item[5] === "SACK" ? "sack" : "dsack"] += bar(panel, item);
          const flags = [];
          for (const item of panel.marks.filter(item => inside(panel, item))) {
            const x = place(panel.x, item[0]), y = place(panel.y, item[2]);
            if (item[4] === "duplicate_ack") paths.duplicate += `M${x} ${y}m-3 -3l6 6m0 -6l-6 6`;
            else if (item[4] === "zero_window") paths.zero += `M${x} ${y}m0 -5l5 5l-5 5l-5 -5z`;
            else flags.push([x, y, item[4].toUpperCase()]);
          }
          for (const name in paths) add(name, paths[name]);
          const marks = flags.flatMap(([x, y, text]) => {
            const name = text === "RST" ? "reset" : "flag";
            return [make("circle", { class: name, cx: x, cy: y, r: 3.2 }), make("text", { class: name + "-text", x, y: +y - 8, "text-anchor": "middle" }, text)];
          });
          panel.group.replaceChildren(axes, clip, plot, ...marks);
        }

        function show(first, last) {
          const whole = data.panels[0].whole.x;
          first = Math.max(first, whole[0]);
          last = Math.min(last, whole[1]);
          if (last - first < leastSpan) return;
          for (const panel of data.panels) {
            if (first === whole[0] && last === whole[1]) {
              panel.x = panel.whole.x;
              panel.y = panel.whole.y;
              panel.group.replaceChildren(...panel.whole.drawn);
              continue;
            }
            panel.x = [first, last, whole[2], whole[3]];
            panel.y = [...rangeOf(panel, first, last), panel.whole.y[2], panel.whole.y[3]];
            draw(panel);
          }
        }

        let start = null;
        const selection = make("rect", { class: "selection", visibility: "hidden" });
        svg.append(selection);
        svg.addEventListener("pointerdown", event => {
          const point = pointOf(event), panel = panelAt(point);
          if (panel && event.button === 0) { start = { x: point.x, panel }; svg.setPointerCapture(event.pointerId); event.preventDefault(); }
        });
        const ends = event => {
          const x = Math.min(Math.max(pointOf(event).x, start.panel.x[2]), start.panel.x[3]);
          return [Math.min(start.x, x), Math.max(start.x, x)];
        };
        svg.addEventListener("pointermove", event => {
          if (!start) return;
          const [left, right] = ends(event);
          for (const [key, value] of Object.entries({ x: left, y: start.panel.y[3], width: right - left, height: start.panel.y[2] - start.panel.y[3], visibility: "visible" })) selection.setAttribute(key, value);
        });
        svg.addEventListener("pointerup", event => {
          if (!start) return;
          const [left, right] = ends(event), axis = start.panel.x;
          start = null;
          selection.setAttribute("visibility", "hidden");
          if (right - left > 6) show(back(axis, left), back(axis, right));
        });
        svg.addEventListener("pointercancel", () => { start = null; selection.setAttribute("visibility", "hidden"); });
        svg.addEventListener("dblclick", () => show(-Infinity, Infinity));
        svg.addEventListener("wheel", event => {
          const point = pointOf(event), panel = panelAt(point);
          if (!panel) return;
          event.preventDefault();
          const factor = event.deltaY > 0 ? 1.25 : 0.8, time = back(panel.x, point.x);
          show(time - (time - panel.x[0]) * factor, time + (panel.x[1] - time) * factor);
        }, { passive: false });
        """;
}
