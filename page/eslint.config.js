import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['src/lib/schema.d.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  ...svelte.configs.prettier,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    // Types, and with them undefined names, are checked by svelte-check.
    rules: {
      'no-undef': 'off',
      eqeqeq: 'error',
      // Maps and sets inside functions and caches are not state.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
);
