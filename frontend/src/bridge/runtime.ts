/** The part of the Wails runtime that the page uses; a browser has the first alone. */
export interface Runtime {
  EventsOn(event: string, handler: (payload: unknown) => void): () => void;
  WindowSetTitle?: (title: string) => void;
  IsNotificationAvailable?: () => Promise<boolean>;
  InitializeNotifications?: () => Promise<void>;
  RequestNotificationAuthorization?: () => Promise<boolean>;
  SendNotification?: (options: { id: string; title: string; body: string }) => Promise<void>;
}
