// The picture in a notebook's cell: it follows the notebook's theme, and what cannot be run is said beneath it.

function widgetTheme() {
  const told = document.body.dataset.jpThemeLight;
  return told === undefined ? "auto" : told === "true" ? "light" : "dark";
}

let widgetWishes = Date.now(); // two views of one picture do not count alike

/** The kernel hears of a wish only where it differs from the one before: each has its number. */
function widgetNumbered(model) {
  return {
    get: (name) => model.get(name),
    set: (name, value) => model.set(name, name === "wish" && value !== null ? { ...value, number: (widgetWishes += 1) } : value),
    save_changes: () => model.save_changes(),
    on: (event, listener) => model.on(event, listener),
    off: (event, listener) => model.off(event, listener),
  };
}

export default {
  render({ model, el }) {
    const picture = document.createElement("div");
    const fault = document.createElement("p");
    fault.className = "fl-widget-fault";
    fault.setAttribute("role", "alert");
    el.classList.add("fl-widget");
    el.append(picture, fault);
    const follow = () => {
      const theme = widgetTheme();
      if (theme === "auto") delete picture.dataset.hostTheme;
      else picture.dataset.hostTheme = theme;
    };
    const say = () => {
      fault.textContent = model.get("fault");
      fault.hidden = fault.textContent === "";
    };
    follow();
    say();
    const watch = new MutationObserver(follow);
    watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    model.on("change:fault", say);
    const away = render({ model: widgetNumbered(model), el: picture });
    return () => {
      watch.disconnect();
      model.off("change:fault", say);
      away();
    };
  },
};
