(function(){"use strict";onmessage=s=>postMessage("".concat(s.data," has ").concat(s.data.length," letters."))})();
