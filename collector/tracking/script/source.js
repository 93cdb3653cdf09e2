// Footfall's browser tracker: docs/tracker.md says what it sends and what it keeps. `make tracker` makes footfall.js of
// this file; it stays under 2,048 bytes compressed.
(() => {
  if (window.footfall) return;

  const BATCH_MS = 300;
  const ROUTE_MS = 50; // a router that redirects shows the page in between no longer
  const ENGAGED_MS_MIN = 1000;
  const RETRY_MS = 1000;
  const RETRY_MS_MAX = 60000;
  const HELD_MS_MAX = 600000; // of a Retry-After; more is left from before the clock was set back
  const QUEUE_ITEMS_MAX = 500;
  const QUEUE_CHARS_MAX = 250000;
  const BODY_CHARS_MAX = 20000; // up to three bytes each; keepalive requests share 64 KiB (Fetch, section 4.6)
  const LABEL_CHARS_MAX = 128; // this and the next two are limits of POST /track
  const TITLE_CHARS_MAX = 1024;
  const URL_CHARS_MAX = 4096;
  const FIRST = 100000; // so that all numbers are of one length

  const CLICKABLE =
    ":is(a,area)[href],button,summary,[role=button],[data-track],[type=submit],[type=button],[type=image],[type=reset]";
  const NAMES = ["ariaLabel", "innerText", "value", "title", "name", "id", "tagName"];
  const DOWNLOAD = /\.(pdf|zip|rar|7z|t?gz|dmg|pkg|exe|msi|apk|csv|xlsx?|docx?|pptx?|mp[34])$/i;

  const script = document.currentScript;
  const options = script.dataset;
  const endpoint = new URL(options.api || "/track", script.src);
  if (options.token) endpoint.searchParams.set("api_token", options.token);

  const automatic = options.auto != "off";
  const isAnonymous =
    (options.gpc == "anonymous" && navigator.globalPrivacyControl) || (options.dnt == "anonymous" && navigator.doNotTrack == 1);
  const keepsIds = options.visitors != "cookieless" && !isAnonymous;
  const byCookie = options.visitors == "cookie" || endpoint.origin == location.origin; // the daemon's, which no script sees

  const QUEUE = `footfall:${endpoint.search}:`;
  const ID = "footfall_id";
  const USER = "footfall_user";
  const OPTED_OUT = "footfall_off";
  const HELD_UNTIL = "footfall_held";

  let store = {}; // of this page alone, where the browser keeps nothing
  try {
    store = localStorage;
  } catch {}

  const flying = new Set(); // keys of items that are under way
  let user = keepsIds ? store[USER] : undefined;
  let page; // of the last pageview
  let visibleSince = 0; // 0 while it is not
  let failures = 0;
  let puts = 0;
  let timer;

  const cut = (text, length) => [..."" + text].slice(0, length).join("");
  const queued = () => Object.keys(store).filter((key) => key.startsWith(QUEUE)).sort();

  // A UUID of version 4; crypto.randomUUID is not there on plain http.
  const uuid = () =>
    "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
      (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16),
    );

  const keep = (key, value) => {
    try {
      store[key] = value;
    } catch {
      store = { ...store, [key]: value }; // the browser's is full
    }
    return value;
  };

  const visitor = () => (keepsIds && !byCookie ? store[ID] || keep(ID, uuid()) : undefined);

  // Each item has a key of its own, so no tab overwrites another's; its event_id stays until it is answered.
  const put = (label, attrs, members) => {
    if (store[OPTED_OUT]) return;
    const now = new Date();
    const event_id = `${+now}-${FIRST + puts++}-${uuid()}`; // sorts as it happened
    const item = JSON.stringify({
      event_id,
      source_label: cut(label, LABEL_CHARS_MAX),
      date_created: now,
      page_url: page,
      anonymous_id: visitor(),
      id_user: user,
      attrs,
      ...members,
    });
    const keys = queued();
    const waiting = keys.map((key) => store[key]).join("");
    if (keys.length >= QUEUE_ITEMS_MAX || waiting.length + item.length > QUEUE_CHARS_MAX) return;
    keep(QUEUE + event_id, item);
    soon(BATCH_MS);
  };

  const soon = (ms) => {
    timer ||= setTimeout(() => {
      timer = 0;
      flush();
    }, ms);
  };

  // `leaving`: there is no later, so what is under way is not waited for.
  const flush = (leaving) => {
    const held_ms = store[HELD_UNTIL] - Date.now();
    if (held_ms > 0 && held_ms <= HELD_MS_MAX) return soon(held_ms);
    if (flying.size && !leaving) return;
    const sent_at = new Date().toJSON();
    const keys = [];
    let body = "";
    for (const key of queued()) {
      if (flying.has(key)) continue;
      const item = store[key].replace("{", `{"sent_at":"${sent_at}",`);
      if (body && body.length + item.length > BODY_CHARS_MAX) break;
      body += (body && ",") + item;
      keys.push(key);
    }
    if (body) send(keys, `[${body}]`);
  };

  const send = async (keys, body) => {
    keys.map((key) => flying.add(key));
    // Text needs no preflight.
    const { status, headers } = await fetch(endpoint, {
      method: "POST",
      body,
      credentials: byCookie ? "include" : "omit",
      keepalive: body.length < BODY_CHARS_MAX,
    }).catch(() => Response.error()); // of status 0
    keys.map((key) => flying.delete(key));
    if (status >= 500 || [0, 408, 429].includes(status)) return hold(headers.get("Retry-After") * 1000 || 0);
    keys.map((key) => delete store[key]);
    failures = 0;
    flush();
  };

  const hold = (wanted_ms) => {
    const backoff_ms = Math.min(RETRY_MS * 2 ** failures++, RETRY_MS_MAX) * (1 - Math.random() / 2);
    const ms = Math.min(Math.max(wanted_ms, backoff_ms), HELD_MS_MAX);
    keep(HELD_UNTIL, Date.now() + ms);
    soon(ms);
  };

  const watch = () => {
    visibleSince = document.hidden ? 0 : performance.now();
  };

  const engaged = () => {
    const engaged_ms = Math.round(performance.now() - visibleSince);
    if (automatic && visibleSince && engaged_ms >= ENGAGED_MS_MIN) put("engagement", { engaged_ms });
  };

  const moved = () => {
    const url = cut("hash" in options ? location.href : location.href.split("#")[0], URL_CHARS_MAX);
    if (url == page) return;
    engaged();
    const referrer = page || cut(document.referrer, URL_CHARS_MAX) || undefined;
    page = url;
    watch();
    if (automatic) put("pageview", undefined, { referrer, title: cut(document.title, TITLE_CHARS_MAX) });
  };

  const routed = () => setTimeout(moved, ROUTE_MS);

  const left = () => {
    moved();
    engaged();
    visibleSince = 0;
    flush(true);
  };

  const nameOf = (element) => {
    const texts = [element.dataset.track, ...NAMES.map((name) => element[name])];
    for (const text of texts) if (/\S/.test(text || "")) return `${text}`.replace(/\s+/g, " ").trim();
  };

  const clicked = (event) => {
    const path = event.composedPath();
    const element = path.find((node) => node.matches && node.matches(CLICKABLE));
    if (!element || event.button > 1 || path.some((node) => node.dataset && node.dataset.auto == "off")) return;
    const { href, host, pathname } = element;
    let click = "button";
    if (href) click = host && host != location.host ? "outbound" : "link";
    if (href && (element.hasAttribute("download") || DOWNLOAD.test(pathname))) click = "download";
    moved();
    put(nameOf(element), { click, url: href });
  };

  const start = () => {
    moved();
    for (const name of ["pushState", "replaceState"]) {
      const original = history[name];
      history[name] = (...state) => {
        original.apply(history, state);
        routed();
      };
    }
    addEventListener("popstate", routed);
    addEventListener("pagehide", left);
    addEventListener("pageshow", (event) => {
      if (event.persisted) page = "";
      moved();
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? left() : watch()));
    if (automatic) for (const type of ["click", "auxclick"]) document.addEventListener(type, clicked, true);
  };

  window.footfall = {
    track(label, attrs) {
      moved();
      put(label, attrs);
    },
    identify(userId, traits) {
      user = userId;
      delete store[USER];
      if (userId && keepsIds) keep(USER, userId);
      if (userId) footfall.track("identify", traits);
    },
    optOut() {
      for (const key of [...queued(), ID, USER]) delete store[key];
      keep(OPTED_OUT, 1);
    },
    optIn() {
      delete store[OPTED_OUT];
    },
  };

  if (document.prerendering) document.addEventListener("prerenderingchange", start);
  else start();
})();
