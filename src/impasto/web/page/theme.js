// Before anything is drawn: what the visitor chose last time, instead of what the machine says.
const theme = localStorage.getItem('theme')
if (theme) document.documentElement.dataset.theme = theme
