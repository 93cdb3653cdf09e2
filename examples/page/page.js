// A small single-page application: its pages differ by address and title, and none of its buttons knows of the tracker.
const show = () => {
  const name = location.pathname.slice(1) || "home";
  document.title = document.querySelector("h1").textContent = name[0].toUpperCase() + name.slice(1);
};

document.querySelector("nav").addEventListener("click", (event) => {
  if (!event.target.href) return;
  event.preventDefault();
  history.pushState({}, "", event.target.href);
  show();
});

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/auth/signin", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(Object.fromEntries(new FormData(event.target))),
  });
  const { user, detail } = await answer.json();
  if (user) footfall.identify(user.user_id);
  document.querySelector("output").textContent = user ? `${user.nickname} is signed in.` : detail;
});

addEventListener("popstate", show);
show();
