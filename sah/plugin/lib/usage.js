'use strict';

/** The commands that the plugin adds, for the framework's help and its parser. */

const COMMANDS = {
  sah: {
    usage: 'Roll a whole stack back by its Lambda aliases, with SAH',
    commands: {
      status: {
        usage: 'Show which version of every function is live',
        lifecycleEvents: ['status'],
      },
      rollback: {
        usage: 'Move every alias to what another deployment published',
        lifecycleEvents: ['rollback'],
        options: {
          to: {
            usage: 'The number of a deployment in SAH, or "previous" (the default)',
            type: 'string',
          },
          reason: { usage: 'Why: it stands in the history', type: 'string', required: true },
          'override-reason': {
            usage: 'Why it may go on although the stack is being updated',
            type: 'string',
          },
        },
      },
      check: {
        usage: 'Package, and say what would stay on $LATEST',
        lifecycleEvents: ['check'],
      },
    },
  },
};

module.exports = { COMMANDS };
