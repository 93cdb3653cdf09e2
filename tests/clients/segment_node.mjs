// What a server does with Segment's client for Node: every kind of call, and 40 events more than one request takes.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey, visitor] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, flushAt: 15, flushInterval: 200, maxRetries: 10 })
analytics.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})

const ada = { userId: 'ada' }
analytics.identify({ ...ada, anonymousId: visitor, traits: { plan: 'pro' } })
analytics.page({ ...ada, name: 'Cart', properties: { url: 'https://shop.example/cart', title: 'Your cart' } })
analytics.screen({ anonymousId: visitor, name: 'Start' })
analytics.group({ ...ada, groupId: 'acme', traits: { employees: 12 } })
analytics.alias({ ...ada, previousId: visitor })
for (let number = 0; number < 40; number++) {
  const timestamp = new Date(Date.UTC(2026, 10, 20, 12, 0, number))
  analytics.track({ ...ada, event: 'Order Completed', properties: { number, revenue: 19.99 }, timestamp })
}
await analytics.closeAndFlush({ timeout: 60_000 })
