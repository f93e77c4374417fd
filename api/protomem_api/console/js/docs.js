// The pages of the HTTP API, drawn by Swagger UI from this server's own document.

function colour() {
  const chosen = document.documentElement.dataset.theme;
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark-mode", dark);
}

document.addEventListener("themechange", colour);
colour();

SwaggerUIBundle({
  url: "schema",
  dom_id: "#main",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayOperationId: true,
  displayRequestDuration: true,
  validatorUrl: null, // or it would ask another server whether the document is valid
});
