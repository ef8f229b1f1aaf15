"use strict";
// The API's page: /docs, whose policy allows no script that stands in the page itself.
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
