/** What goes on, and one button that ends it. */
export const healPage: string = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Live faults</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884 }
  button { font: inherit; font-weight: 600; padding: .75rem 1.5rem; margin: 1rem 0 }
</style>
<h1>Live faults</h1>
<button id="heal" type="button">Heal everything</button>
<p id="said" role="status"></p>
<table>
  <caption hidden>Faults that go on</caption>
  <thead><tr><th scope="col">Fault<th scope="col">Target<th scope="col">Kind<th scope="col">State<th scope="col">Struck</thead>
  <tbody id="faults"></tbody>
</table>
<script>
  const path = "/holdfast/v1/faults", rows = document.getElementById("faults"), said = document.getElementById("said");
  const row = (cells) => {
    const line = document.createElement("tr");
    for (const cell of cells) line.appendChild(document.createElement("td")).textContent = cell ?? "-";
    return line;
  };
  const show = async () => {
    try {
      const { faults } = await (await fetch(path)).json();
      rows.replaceChildren(...faults.map((f) => row([f.id, f.target, f.kind, f.error ?? f.state, f.struck])));
    } catch { said.textContent = "No answer: the injector has stopped."; }
  };
  document.getElementById("heal").onclick = async () => {
    try {
      const { removed, stuck } = await (await fetch(path + "/heal", { method: "POST" })).json();
      said.textContent = removed.length + " taken back" + (stuck.length ? ", " + stuck.length + " resist" : "");
    } catch { said.textContent = "No answer: the injector has stopped."; }
    await show();
  };
  void show();
  setInterval(show, 1000);
</script>
</html>
`;
