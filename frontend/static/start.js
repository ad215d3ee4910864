// Brings the board to life; the page names both files, so that they load at once.
import init from '{{glue}}';

init({ module_or_path: '{{wasm}}' });
