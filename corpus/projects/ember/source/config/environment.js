'use strict'
module.exports = (environment) => ({ modulePrefix: 'ember-site', environment, rootURL: '/', locationType: 'history', EmberENV: {}, APP: {} })
