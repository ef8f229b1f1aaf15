"use strict";
// Swagger UI on /docs; the content security policy of that page allows no inline script.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis],
    syntaxHighlight: false,
    validatorUrl: null,
  });
});
