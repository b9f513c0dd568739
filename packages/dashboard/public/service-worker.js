// Shows what the server pushes, and opens the page about it. It caches nothing.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { messageId, title, text, url, severity } = event.data.json();
  event.waitUntil(
    self.registration
      .showNotification(title, {
        body: text,
        // One that comes twice is shown once.
        tag: messageId,
        requireInteraction: severity === "critical",
        icon: `${self.registration.scope}favicon.svg`,
        data: { url },
      })
      .then(() => tellSeen(messageId)),
  );
});

/** Only while somebody is signed in here; otherwise it stays at delivered. */
function tellSeen(messageId) {
  const address = `${self.registration.scope}api/v1/me/notifications/${encodeURIComponent(messageId)}/seen`;
  return fetch(address, { method: "POST" }).catch(() => {});
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  // Never to another site, whatever the message says: its path, on this server.
  const asked = new URL(event.notification.data.url ?? "", self.registration.scope);
  const own = new URL(asked.pathname + asked.hash, self.registration.scope).href;
  event.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then(([open]) => {
      if (open === undefined) return self.clients.openWindow(own);
      return open.focus().then((client) => client.navigate(own));
    }),
  );
});
