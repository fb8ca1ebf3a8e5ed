// What a page does beyond plain HTML: hand a scanned code over, print, take a dropped file.
// Nothing here is needed to check a document, except on the page where a camera lands.
"use strict";

(function () {
  var code = document.querySelector("[data-code]");
  var landing = /^\/[co]$/.test(location.pathname);
  if (landing && code) {
    if (location.hash.length > 1) {
      code.value = location.origin + location.pathname + location.hash;
      var button = document.querySelector("form.verify button");
      if (button) button.focus();
    } else {
      var empty = document.querySelector("[data-no-fragment]");
      if (empty) empty.hidden = false;
    }
  }

  var print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", function () { window.print(); });
  }

  var zone = document.querySelector("[data-dropzone]");
  var input = zone && zone.querySelector("input[type=file]");
  if (!input) return;
  function mark(over) { zone.classList.toggle("over", over); }
  zone.addEventListener("dragover", function (event) { event.preventDefault(); mark(true); });
  zone.addEventListener("dragleave", function () { mark(false); });
  zone.addEventListener("drop", function (event) {
    mark(false);
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    input.focus();
  });
})();
