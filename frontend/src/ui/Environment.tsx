import { Icon, type IconName } from "./icons";

const kinds: Record<string, { word: string; icon: IconName }> = {
  production: { word: "PROD", icon: "warning" },
  staging: { word: "STAGING", icon: "info" },
  development: { word: "DEV", icon: "done" },
  demo: { word: "DEMO", icon: "info" },
};

/** Environment says which kind of fleet this is, with sign, word and colour. */
export function Environment({ name }: { name: string }) {
  const k = kinds[name];
  if (!k) return null;
  return (
    <span className="env" data-env={name} title={`environment: ${name}`}>
      <Icon name={k.icon} size={11} />
      {k.word}
    </span>
  );
}
