import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  name: ['User name', 'Имя пользователя'],
  nameHint: ['Letters, digits and . _ - + @, up to 64.', 'Буквы, цифры и . _ - + @, не больше 64.'],
  password: ['Password', 'Пароль'],
  passwordHint: ['At least 10 characters.', 'Не меньше 10 символов.'],
  passwordRule: [
    'A password has 10 to 1024 characters and is not the user name.',
    'В пароле от 10 до 1024 символов, и он не совпадает с именем.',
  ],
  again: ['Password again', 'Пароль ещё раз'],
  differ: ['The two passwords differ.', 'Пароли не совпадают.'],
  signIn: ['Sign in', 'Войти'],
  signInTitle: ['Sign in to CodeLab', 'Вход в CodeLab'],
  wrong: ['The name or the password is wrong.', 'Неверное имя или пароль.'],
  tooMany: [
    'Too many tries. Wait a minute, then try again.',
    'Слишком много попыток. Подождите минуту и попробуйте снова.',
  ],
  expiredTitle: ['Your sign-in has ended', 'Срок входа истёк'],
  expired: [
    'Sign in again to go on; nothing that you typed is lost.',
    'Войдите снова, чтобы продолжить: всё набранное сохранено.',
  ],
  otherUser: ['Sign in as somebody else', 'Войти под другим именем'],
  setupTitle: ['Set up CodeLab', 'Настройка CodeLab'],
  setupLead: [
    'Choose the name and the password of the first administrator.',
    'Выберите имя и пароль первого администратора.',
  ],
  create: ['Create the administrator', 'Создать администратора'],
  setupClosed: ['CodeLab is set up already.', 'CodeLab уже настроен.'],
  setupInvalid: [
    'This setup link does not work. Use the one that CodeLab printed last.',
    'Эта ссылка не действует. Откройте ту, которую CodeLab напечатал последней.',
  ],
  toSignIn: ['Sign in', 'Войти'],
  lead: [
    'Agents read, change and run your code. You approve every dangerous step.',
    'Агенты читают, меняют и запускают ваш код. Каждый опасный шаг подтверждаете вы.',
  ],
} as const satisfies Catalogue;

export const t = translator(catalogue);
