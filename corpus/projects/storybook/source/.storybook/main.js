export default {
  stories: ['../src/**/*.mdx', '../src/**/*.stories.jsx'],
  addons: ['@storybook/addon-docs'],
  framework: '@storybook/react-vite',
  staticDirs: ['../public'],
  core: { disableTelemetry: true },
}
